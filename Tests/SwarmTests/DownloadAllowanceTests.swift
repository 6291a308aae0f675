import PeerProtocol
import Primitives
import Swarm
import Testing

/// A download limit is charged for what was received (D4).
@Suite struct DownloadAllowanceTests {
    private static let portion = 32 * SwarmBench.blockLength
    private let block = SwarmBench.blockLength
    private func endpoint(_ number: Int) -> Endpoint { .v4(UInt8(number), 2, 3, 4, port: 6881) }

    /// A swarm that may fetch 32 blocks, and a peer that was asked for 16 of them.
    private func limited() throws -> (SwarmBench, PeerHandle) {
        var bench = try SwarmBench(pieces: 100, isComplete: false)
        bench.tell { swarm, _, _ in swarm.limit(.download) }
        bench.tell { $0.allowed(Self.portion, .download, now: $2, into: &$1) }
        let peer = bench.call(from: endpoint(10), saying: [.haveAll, .unchoke])
        #expect(bench.requests(to: peer).count == 16)
        return (bench, peer)
    }

    /// How many blocks may still be asked for, as peers that come now show.
    private func blocksLeft(_ bench: inout SwarmBench) -> Int {
        var count = 0
        for number in 20..<40 {
            let peer = bench.call(from: endpoint(number), saying: [.haveAll, .unchoke])
            count += bench.requests(to: peer).count
        }
        return count
    }

    @Test func whatIsOwedIsPaid() throws {
        var (bench, _) = try limited()
        #expect(blocksLeft(&bench) == 16)
    }

    @Test func whatALostPeerOwedIsGivenBack() throws {
        var (bench, peer) = try limited()
        bench.hangUp(peer)
        #expect(blocksLeft(&bench) == 32)
    }

    @Test func whatAPartHasBroughtIsNot() throws {
        var (bench, peer) = try limited()
        bench.give(BlockRequest(piece: 0, offset: 0, length: block), from: peer, bytes: 0)
        bench.hangUp(peer)
        #expect(blocksLeft(&bench) == 32)
        var (second, other) = try limited()
        second.give(second.requests(to: other)[0], from: other, bytes: block - 1)
        second.hangUp(other)
        #expect(blocksLeft(&second) == 32)
        var (third, last) = try limited()
        let asked = third.requests(to: last)
        for block in asked.prefix(2) { third.give(block, from: last) }
        third.hangUp(last)
        #expect(blocksLeft(&third) == 30)
    }

    @Test(arguments: [false, true]) func whatIsRejectedIsGivenBack(chokes: Bool) throws {
        var (bench, peer) = try limited()
        let asked = bench.requests(to: peer)
        if chokes { bench.say(peer, [.choke]) }
        bench.say(peer, asked.map { .reject($0) })
        #expect(blocksLeft(&bench) == 32)
    }

    @Test func whatASilentPeerOwesIsGivenBackAndPaidWhenItComes() throws {
        var (bench, peer) = try limited()
        let asked = bench.requests(to: peer)
        bench.wait(.milliseconds(1_500))
        var silent = bench
        #expect(blocksLeft(&silent) == 32)
        // It gives after all: what it owes now is paid for again.
        bench.give(asked[0], from: peer)
        let more = bench.requests(to: peer).count
        #expect(blocksLeft(&bench) == 32 - 1 - 15 - more)
    }

    /// A peer could use up the limit with it; what may come of it is bounded.
    @Test func whatWasNotAskedForIsNotPaidFor() throws {
        var (bench, peer) = try limited()
        for piece in 0..<4 {
            let odd = BlockRequest(piece: piece, offset: 0, length: block)
            bench.give(BlockRequest(piece: odd.piece, offset: 1, length: block - 1), from: peer)
        }
        #expect(blocksLeft(&bench) == 16)
    }

    /// A peer that chokes after each batch, beside one that gives.
    @Test func aPeerThatChokesAfterEachBatchCostsNothing() throws {
        var (bench, peer) = try limited()
        for _ in 0..<20 {
            let asked = bench.requests(to: peer)
            bench.say(peer, [.choke] + asked.map { .reject($0) })
            bench.say(peer, [.unchoke])
            bench.wait(.milliseconds(500))
        }
        bench.hangUp(peer)
        #expect(blocksLeft(&bench) == 32)
    }
}
