import Client
import Primitives
import Swarm

/// One machine of a simulated swarm: a whole client, its disk and its access link.
struct SwarmHost {
    /// What a host is there for.
    enum Role: Equatable {
        case seed
        case downloader
        /// Downloads and serves nobody.
        case freeRider
        /// Claims to have everything and serves bytes that are not those of the torrent.
        case liar

        var isDownloading: Bool { self == .downloader || self == .freeRider }
    }

    let role: Role
    let endpoint: Endpoint
    var client: Client
    var disk: SwarmDisk
    /// The lane that a connection sends on; only looked up.
    var lanes: [PeerHandle: Int] = [:]
    /// The client reads nothing: its disk is behind.
    var isPaused = false
    var pauses = 0
    var completedAt: Instant?
    /// When the first piece was verified: from then on there is something to trade.
    var firstPieceAt: Instant?
    /// What its blocks come to where it lies; 0 where it does not.
    var lie: BlockDigest = 0
    /// The disk's backlog that the client was told last.
    var toldBacklog = 0

    init(role: Role, endpoint: Endpoint, client: Client, disk: SwarmDisk) {
        (self.role, self.endpoint, self.client, self.disk) = (role, endpoint, client, disk)
    }

    /// There is one torrent in this world.
    static let torrent = TorrentHandle(rawValue: 1)
}
