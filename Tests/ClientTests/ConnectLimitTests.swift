import Client
import Kademlia
import Primitives
import Swarm
import Testing

/// Attempts at one host, whatever torrents and sources name it.
@Suite struct ConnectLimitTests {
    private static let torrents = 20
    private let sources: [PeerSource] = [.dht, .magnet, .user, .tracker, .exchange, .lsd]

    private func client(_ mode: NetworkMode) -> Client {
        var configuration = Client.Configuration()
        configuration.node.networkMode = mode
        var client = Client(
            configuration: configuration, homes: [HomeSetup(local: .v4(99, 0, 0, 1, port: 6881))],
            generator: SeededGenerator(number: 1), now: .origin)
        var options = Client.TorrentOptions()
        options.usesDHT = false
        var outbox = Client.Outbox()
        for number in 1...Self.torrents {
            let infoHash = InfoHash(high: UInt64(number), middle: 0, low: 0)
            client.command(
                .add(TorrentHandle(rawValue: number), .infoHash(infoHash), options), now: .origin, into: &outbox)
        }
        return client
    }

    /// Attempts at each host within a minute, when each torrent is named the endpoints.
    private func attempts(_ named: [Endpoint], _ client: inout Client) -> [Endpoint: Int] {
        var attempts: [Endpoint: Int] = [:]
        var handles: [PeerHandle] = []
        func note(_ outbox: Client.Outbox) {
            for case .connect(let handle, let endpoint) in outbox.swarm.actions {
                attempts[endpoint.host, default: 0] += 1
                handles.append(handle)
            }
        }
        for number in 1...Self.torrents {
            var outbox = Client.Outbox()
            let source = sources[number % sources.count]
            client.command(.addPeers(TorrentHandle(rawValue: number), named, source), now: .origin, into: &outbox)
            note(outbox)
        }
        var now = Instant.origin
        while let deadline = client.nextDeadline, deadline < .origin + .seconds(60) {
            now = max(now, deadline)
            var outbox = Client.Outbox()
            client.timedOut(now: now, into: &outbox)
            note(outbox)
            // All refuse at once.
            while let handle = handles.popLast() {
                var outbox = Client.Outbox()
                client.connectFailed(handle, now: now, into: &outbox)
                note(outbox)
            }
        }
        return attempts
    }

    @Test func allTorrentsTogetherCallOneHostAFewTimesAMinute() {
        var client = client(.public)
        let honest = (1...10).map { Endpoint.v4(50, UInt8($0), 0, 1, port: 6881) }
        let victim = (0..<200).map { Endpoint.v4(20, 0, 0, 1, port: UInt16(2_000 + $0)) }
        let attempts = attempts(victim + honest, &client)
        #expect((6...12).contains(attempts[victim[0].host] ?? 0))
        #expect(honest.allSatisfy { (attempts[$0.host] ?? 0) >= 6 })
        #expect(client.statistics.attemptsDeferred > 1_000)
    }

    /// Where many peers share an address, and nothing is received.
    @Test func inAPrivateNetworkEveryPortIsCalledWhenNoneAnswers() {
        var client = client(.private)
        let named = (0..<20).map { Endpoint.v4(127, 0, 0, 1, port: UInt16(2_000 + $0)) }
        let attempts = attempts(named, &client)
        #expect((attempts[named[0].host] ?? 0) >= Self.torrents * named.count)
    }
}
