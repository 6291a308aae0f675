import Kademlia
import Primitives

/// The rig of real nodes as a simulation (docs/calibration.md): its delay matrix, its numbers, its clients.
package struct CalibrationOptions: Sendable {
    package var seed: UInt64 = 1
    /// A row for each node, then one for each place of a warm asker, then those where cold askers start.
    package var delays: DelayMatrix
    package var nodeCount = 200
    package var warmAskers = 5
    package var joinInterval = Duration.milliseconds(160)
    /// After the last join; in its second half all infohashes are announced.
    package var warmUp = Duration.seconds(180)
    /// Lookups of each kind, and likewise once a share of the nodes is dead.
    package var rounds = 100
    package var deadRounds = 100
    package var deadShare = 0.1
    package var lossShare = 0.0
    /// Between two trials.
    package var interval = Duration.milliseconds(1500)
    /// A lookup that has found nothing by then has failed.
    package var patience = Duration.seconds(30)

    package init(delays: DelayMatrix) { self.delays = delays }

    /// Rows that are left for cold askers.
    package var coldPlaces: Int { delays.size - nodeCount - warmAskers }
}

/// Who asks in a calibration.
package enum CalibrationClient: String, CaseIterable, Hashable, Sendable {
    case ours
    /// Looks up once its bootstrap is over, when it starts cold.
    case libtorrentLike = "libtorrent-like"
    /// Looks up at once.
    case libtorrentLikeEager = "libtorrent-like-eager"

    /// An eager one is like the other once it is warm.
    static let warm: [CalibrationClient] = [.ours, .libtorrentLike]

    var policy: Policy { self == .ours ? .ours : .libtorrentLike }

    func configuration() -> Configuration {
        var configuration = policy.configuration(NodeConfiguration.standard.configuration)
        // Ours asks within its budgets, as in production.
        if self == .ours { configuration.budgets = Budgets() }
        return configuration
    }
}

/// Seconds until the first peer, of each kind of lookup.
package struct CalibrationReport: Equatable, Sendable {
    package struct Figures: Equatable, Sendable {
        package let client: CalibrationClient
        package let isWarm: Bool
        package let deadShare: Double
        package var lookups: Int
        package var firstPeerSeconds: Spread
    }

    package var figures: [Figures] = []
    package var contactsPerNode = Spread()
    package var announcesStored = 0
    package var events = 0
    package var digest: UInt64 = 0
}
