import Client
import CommandSupport
import Kademlia
import Metainfo
import Primitives
import Storage
import Swarm
import Synchronization
import Transport

/// The seeder of a test network: one more node, with a torrent that is complete from the start.
final class Seeder {
    private static let readyLimit = Duration.seconds(60)
    private static let pollInterval = Duration.milliseconds(20)
    private static let torrent = TorrentHandle(rawValue: 0)

    let info: Info
    /// Where peers connect to.
    let endpoint: Endpoint
    private let host: Host
    private let news = News()

    /// What the host has reported so far.
    private final class News: Sendable {
        private let state = Mutex((announcedTo: 0, failure: String?.none))

        var announcedTo: Int { state.withLock { $0.announcedTo } }
        var failure: String? { state.withLock { $0.failure } }

        func take(_ event: HostEvent) {
            switch event {
            case .client(.torrent(_, .announced(let nodes))): state.withLock { $0.announcedTo += nodes }
            case .storage(_, .failed(let error)): state.withLock { $0.failure = "\(error)" }
            case .storage(_, .opened(let have)) where !have.isFull:
                state.withLock { $0.failure = "the file has changed while it was hashed" }
            default: break
            }
        }
    }

    init(_ file: SeedFile, among nodes: NodeCrowd, _ console: Console) async throws {
        info = file.info
        var configuration = NodeCrowd.configuration(at: .v4(127, 200, 0, 1, port: 0))
        configuration.acceptsPeers = true
        host = nodes.host(configuration) { [news] in news.take($0) }
        guard let local = try await host.start().first else { throw HostError.noUsableAddress }
        endpoint = local
        host.command(.bootstrap(nodes.entrances))
        host.add(Self.torrent, .info(info), Client.TorrentOptions(), directory: file.directory)
    }

    /// Throws a `TestNetwork.Failure` when nobody takes the announce in time.
    func waitUntilAnnounced(_ stopFlag: StopFlag) async throws {
        let limit = MonotonicClock.now + Self.readyLimit
        while news.announcedTo == 0, !stopFlag.isSet {
            if let failure = news.failure { throw TestNetwork.Failure(exit: .disk, message: failure) }
            guard MonotonicClock.now < limit else {
                throw TestNetwork.Failure(
                    exit: .noDHT,
                    message: "no node has taken the seeder's announce within \(HumanText.seconds(Self.readyLimit))")
            }
            try await Task.sleep(for: Self.pollInterval)
        }
    }

    var uploadedBytes: Int {
        get async { await host.snapshot(of: Self.torrent)?.uploadedBytes ?? 0 }
    }

    func stop() async { await host.stop() }
}
