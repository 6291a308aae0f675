import Metainfo
import Primitives
import Swarm

/// One magnet: from the first announce of its peers until somebody who was handed it has the metadata.
struct MagnetTrial: Sendable {
    /// In this order.
    enum Stage {
        /// The nodes near the infohash are looked for.
        case scouting
        /// Its peers announce themselves.
        case announcing
        /// All warm clients are busy.
        case waiting
        /// A client has been handed the magnet.
        case searching
        case over
    }

    let info: Info
    var stage = Stage.scouting
    /// When something is to be done about it, whatever happens.
    var due = Instant.distantFuture
    /// Everybody who announced, in the order in which they will be told who they are.
    var peers: [HostIndex] = []
    var asker: HostIndex?
    /// When the client got the magnet; of what follows the moments until the metadata are kept.
    var startedAt = Instant.origin
    var firstValueAt: Instant?
    var firstConnectionAt: Instant?
    var metadataAt: Instant?
    var peersFound = 0
    var rejections = 0
    /// When it called somebody, ascending.
    var calls: [Instant] = []

    init(info: Info) {
        self.info = info
    }

    mutating func note(_ event: TorrentEvent, now: Instant) {
        switch event {
        case .peersFound(let endpoints, _):
            firstValueAt = firstValueAt ?? now
            peersFound += endpoints.count
        case .peerConnected: firstConnectionAt = firstConnectionAt ?? now
        case .metadataRejected: rejections += 1
        case .metadata: metadataAt = now
        default: break
        }
    }

    /// The most calls within any second.
    var callsPerSecondMax: Int {
        var (first, most) = (0, 0)
        for (index, call) in calls.enumerated() {
            while calls[first] + .seconds(1) <= call { first += 1 }
            most = max(most, index - first + 1)
        }
        return most
    }

    /// Seconds after the magnet; never is infinite.
    func seconds(until instant: Instant?) -> Double {
        instant.map { startedAt.duration(to: $0).inSeconds } ?? .infinity
    }
}
