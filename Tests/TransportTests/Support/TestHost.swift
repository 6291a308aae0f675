import Client
import Kademlia
import Logging
import Metainfo
import Primitives
import Storage
import Swarm
import Synchronization
import Testing

@testable import Transport

/// A host on a loopback address, with all that it reported.
final class TestHost: Sendable {
    static let torrent = TorrentHandle(rawValue: 1)

    let host: Host
    private let events: Events

    final class Events: Sendable {
        let all = Mutex<[HostEvent]>([])
    }

    struct TookTooLong: Error, CustomStringConvertible {
        let description: String
    }

    init(at address: Endpoint, seed: UInt64, _ change: (inout HostConfiguration) -> Void = { _ in }) {
        let events = Events()
        var configuration = HostConfiguration()
        configuration.binds = [address]
        configuration.client.node.networkMode = .private
        configuration.seed = (seed, 0, 0, 0)
        change(&configuration)
        self.events = events
        host = Host(configuration: configuration, logger: Logger(label: "test")) { event in
            events.all.withLock { $0.append(event) }
        }
    }

    /// Returns the first address that is bound.
    func start() async throws -> Endpoint {
        try #require(try await host.start().first)
    }

    func add(_ source: Client.TorrentSource, directory: String, usesDHT: Bool = false) {
        var options = Client.TorrentOptions()
        options.usesDHT = usesDHT
        options.announces = usesDHT
        host.add(Self.torrent, source, options, directory: directory)
    }

    func addPeer(_ endpoint: Endpoint) {
        host.command(.addPeers(Self.torrent, [endpoint], .user))
    }

    var reported: [HostEvent] { events.all.withLock { $0 } }

    var torrentEvents: [TorrentEvent] {
        reported.compactMap {
            guard case .client(.torrent(Self.torrent, let event)) = $0 else { return nil }
            return event
        }
    }

    /// Waits until an event of the torrent satisfies `condition`; the limit only ends what would never end.
    func wait(
        _ what: String, within limit: Duration = .seconds(120), until condition: (TorrentEvent) -> Bool
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while !torrentEvents.contains(where: condition) {
            guard clock.now < deadline else { throw TookTooLong(description: "\(what): only \(reported)") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
