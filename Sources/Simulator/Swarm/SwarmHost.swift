import Primitives
import Swarm

/// One machine of a simulated swarm, and what is remembered of it; the network has its client and its disk.
struct SwarmHost {
    /// What a host is there for.
    enum Role: Equatable {
        case seed
        case downloader
        /// Downloads and serves nobody.
        case freeRider
        /// Claims to have everything and serves bytes that are not those of the torrent.
        case liar
        /// No client, but a scripted peer that does harm.
        case rude

        var isDownloading: Bool { self == .downloader || self == .freeRider }
    }

    let role: Role
    let endpoint: Endpoint
    /// How often it stopped reading.
    var pauses = 0
    var joinedAt: Instant?
    var completedAt: Instant?
    /// When the first piece was verified: from then on there is something to trade.
    var firstPieceAt: Instant?
    /// When the info dictionary was known to a client that began with a magnet.
    var metadataAt: Instant?
    /// The disk's backlog that the client was told last.
    var toldBacklog = 0

    init(role: Role, endpoint: Endpoint) {
        (self.role, self.endpoint) = (role, endpoint)
    }

    /// There is one torrent in this world.
    static let torrent = TorrentHandle(rawValue: 1)
}
