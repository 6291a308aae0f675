import PeerProtocol
import Primitives
import Swarm
import Testing

/// What ends a connection, and what else it costs: an address is refused for bad data alone.
@Suite struct BanTests {
    private let peer = Endpoint.v4(20, 0, 0, 1, port: 6881)
    private let neighbour = Endpoint.v4(20, 0, 0, 1, port: 7000)

    private func bench() throws -> SwarmBench { try SwarmBench(pieces: 40, isComplete: false) { $0.bansHosts = true } }

    @Test(
        arguments: [
            [0, 0, 0, 1, 5], [0, 0, 0, 3, 5, 0, 0], [0, 0, 0, 7, 5, 0, 0, 0, 0, 0, 0], [0, 0, 0, 2, 0, 0],
            [0, 0, 0, 5, 4, 0xFF, 0xFF, 0xFF, 0xFF], [0, 0x20, 0, 0, 20], [0, 0, 0, 3, 20, 0, 0x64],
        ] as [[UInt8]])
    func whoBreaksTheProtocolIsDroppedAndItsNeighbourIsTaken(bytes: [UInt8]) throws {
        var bench = try bench()
        let rude = bench.call(from: peer)
        bench.say(rude, bytes)
        #expect(bench.closed == [rude])
        let losses: [PeerLoss] = bench.outbox.events.compactMap { notice in
            if case .peerLost(_, let loss) = notice.event { loss } else { nil }
        }
        #expect(losses.count == 1 && losses != [.badData])
        let honest = bench.call(from: neighbour)
        let again = bench.call(from: peer)
        #expect(bench.closed == [rude])
        #expect(bench.swarm.snapshot.peersConnected == 2 && bench.swarm.snapshot.peersBanned == 0)
        _ = (honest, again)
    }

    @Test func anAddressThatGaveBadDataIsRefusedForAnHour() throws {
        var bench = try bench()
        let liar = bench.call(from: peer, saying: [.haveAll, .unchoke])
        let block = try #require(bench.requests(to: liar).first)
        bench.deliver(block.piece, from: liar, isVerified: false)
        bench.tell { $0.pieceFailed(block.piece, blocks: [], now: $2, into: &$1) }
        #expect(bench.closed == [liar] && bench.swarm.snapshot.peersBanned == 1)
        let early = bench.call(from: neighbour)
        #expect(bench.closed == [liar, early])
        bench.now = bench.now + .seconds(60 * 60)
        let late = bench.call(from: neighbour)
        #expect(!bench.closed.contains(late))
    }

    @Test func whoEchoesOurPeerIDCostsItsNeighboursNothing() throws {
        var bench = try bench()
        bench.tell { $0.peersFound([peer, neighbour], source: .tracker, now: $2, into: &$1) }
        let calls: [PeerHandle] = bench.outbox.actions.compactMap {
            if case .connect(let handle, _) = $0 { handle } else { nil }
        }
        #expect(calls.count == 2)
        bench.tell { $0.connected(calls[0], now: $2, into: &$1) }
        // What we sent comes back as it was.
        let ours = Array(bench.outbox.bytes.prefix(Handshake.byteCount))
        bench.say(calls[0], ours)
        #expect(bench.outbox.events.map(\.event).contains(.peerLost(peer, .ourselves)))
        #expect(bench.closed == [calls[0]])
        bench.tell { $0.peersFound([peer], source: .tracker, now: $2, into: &$1) }
        #expect(bench.outbox.actions.isEmpty)
        bench.tell { $0.connectFailed(calls[1], now: $2, into: &$1) }
        bench.wait(.seconds(5))
        #expect(bench.swarm.snapshot.peersConnecting == 1 && bench.swarm.snapshot.peersBanned == 0)
    }
}
