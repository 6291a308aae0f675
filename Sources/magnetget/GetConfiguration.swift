import CommandSupport
import Metainfo
import PeerProtocol

/// What `magnetget get` was told, before anything is looked at.
struct GetConfiguration {
    var sources: [String]
    var directory: String
    var goal: GetPlan.Goal
    var peers: [PeerAddress]
    var usesDHT: Bool
    var usesTrackers: Bool
    var usesExchange: Bool
    var isSequential: Bool
    var encryption: EncryptionPolicy
    /// Bytes of payload a second.
    var downloadLimit: Int?
    var uploadLimit: Int?
    var maxPeers: Int
    var network: NetworkConfiguration
    var limits: StageLimits
}
