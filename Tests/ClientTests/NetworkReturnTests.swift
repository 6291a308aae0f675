import Client
import Kademlia
import Primitives
import Swarm
import Testing

/// Our own link was lost and is back.
@Suite struct NetworkReturnTests {
    private let torrent = TorrentHandle(rawValue: 1)
    private let home = Endpoint.v4(127, 0, 0, 1, port: 6881)
    private let moved = Endpoint.v4(127, 0, 0, 2, port: 6881)
    private let peer = Endpoint.v4(127, 0, 0, 9, port: 9)
    private var client: Client
    private var outbox = Client.Outbox()

    init() {
        var configuration = Client.Configuration()
        configuration.node.networkMode = .private
        client = Client(
            configuration: configuration, homes: [HomeSetup(local: home)], generator: SeededGenerator(number: 1),
            now: .origin)
        var options = Client.TorrentOptions()
        options.usesDHT = false
        options.trackers = [["http://127.0.0.8/announce"]]
        let infoHash = ID160(high: 1, middle: 2, low: 3)
        client.command(.add(torrent, .infoHash(infoHash), options), now: .origin, into: &outbox)
    }

    private mutating func calls() -> [Endpoint] {
        defer { outbox.clear() }
        return outbox.swarm.actions.compactMap { action in
            if case .connect(_, let endpoint) = action { return endpoint }
            return nil
        }
    }

    @Test mutating func nobodyIsCalledWithoutALink() {
        _ = calls()
        client.networkLost(now: .origin)
        client.command(.addPeers(torrent, [peer], .user), now: .origin, into: &outbox)
        #expect(calls().isEmpty)
        client.homeReturned(0, at: home, now: .origin, into: &outbox)
        #expect(calls() == [peer])
    }

    @Test(.timeLimit(.minutes(1))) mutating func aRetryThatIsDueWithoutALinkIsNotWaitedFor() throws {
        client.command(.addPeers(torrent, [peer], .user), now: .origin, into: &outbox)
        let handle = try #require(
            outbox.swarm.actions.lazy.compactMap { action -> PeerHandle? in
                if case .connect(let handle, _) = action { return handle }
                return nil
            }.first)
        client.connectFailed(handle, now: .origin, into: &outbox)
        client.networkLost(now: .origin)
        outbox.clear()
        let later = Instant.origin + .seconds(3_600)
        client.timedOut(now: later, into: &outbox)
        client.timedOut(now: later, into: &outbox)
        #expect(calls().isEmpty)
        let next = client.nextDeadline
        #expect(next.map { $0 > later } ?? true)
        client.homeReturned(0, at: home, now: later, into: &outbox)
        #expect(calls() == [peer])
    }

    @Test mutating func trackersAndPeersAreAskedAnewAtAnotherAddress() {
        outbox.clear()
        client.homeReturned(0, at: moved, now: .origin, into: &outbox)
        #expect(client.homes[0].local == moved)
        let fetches = outbox.trackers.compactMap { action -> String? in
            if case .fetch(_, let url, _) = action { return url }
            return nil
        }
        #expect(fetches.count == 1 && fetches.allSatisfy { $0.contains("event=started") })
        #expect(outbox.trackers.contains { if case .cancel = $0 { true } else { false } })
    }
}
