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
    /// Where addresses allow it.
    var usesLocalDiscovery: Bool
    var encryption: EncryptionPolicy
    /// Bytes of payload a second.
    var downloadLimit: Int?
    var uploadLimit: Int?
    var maxPeers: Int
    var network: NetworkConfiguration
    var limits: StageLimits
    /// Which files are wanted, whatever a magnet says; nil for what it says, or all.
    var selection: FileSelection?
    /// The one file goes to standard output.
    var streams = false
    /// The folder is gone when the command ends.
    var isScratch = false
    /// Everything on disk is hashed, whatever the record says.
    var rechecks = false
    /// Pieces in the order of the torrent.
    var isSequential = false
    var seedLimits = SeedLimits()
    /// What is not on disk is not fetched, but an error.
    var seedsOnly = false
    /// Writes the metadata as .torrent files.
    var saver: TorrentSaver?
    /// Whether the list of files is the result where only the metadata is wanted.
    var listsFiles = true
    /// How many sources are worked on at once.
    var jobs = Int.max
}
