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
    var encryption: EncryptionPolicy
    var maxPeers: Int
    var network: NetworkConfiguration
    var limits: StageLimits
}
