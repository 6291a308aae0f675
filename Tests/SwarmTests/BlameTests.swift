import PeerProtocol
import Primitives
import Swarm
import Testing

private let cancel: UInt8 = 8

/// Which bytes came from which peer, also when it is gone (D2), and pieces that have failed (D5).
@Suite struct BlameTests {
    private func endpoint(_ number: Int) -> Endpoint { .v4(UInt8(number), 2, 3, 4, port: 6881) }
    private let announcing: [OutgoingMessage] = [.haveAll, .unchoke]

    /// A peer leaves in the middle of a block: another gives the block from its start.
    @Test func whatAPeerLeavesUnfinishedIsForgotten() throws {
        var bench = try SwarmBench(pieces: 1, isComplete: false)
        let quitter = bench.call(from: endpoint(10), saying: announcing)
        let block = try #require(bench.requests(to: quitter).first)
        bench.give(block, from: quitter, bytes: 1_024)
        #expect(bench.stores == [0])
        bench.hangUp(quitter)
        #expect(bench.forgotten.map(\.offset) == [0] && bench.forgotten.map(\.length) == [1_024])
        #expect(bench.swarm.snapshot.wastedBytes == 1_024)
        let other = bench.call(from: endpoint(11), saying: announcing)
        bench.give(block, from: other)
        #expect(bench.stores == [0])
        bench.tell { $0.pieceFailed(0, blocks: [1], now: $2, into: &$1) }
        #expect(bench.closed == [other])
    }

    @Test func aBlockHasOneGiver() throws {
        var bench = try SwarmBench(pieces: 1, isComplete: false)
        let slow = bench.call(from: endpoint(10), saying: announcing)
        let block = try #require(bench.requests(to: slow).first)
        bench.give(block, from: slow, bytes: 1_024)
        let second = bench.call(from: endpoint(11), saying: announcing)
        #expect(bench.requests(to: second) == [block])
        // Its part comes too late to be of use, for the first is still giving.
        bench.give(block, from: second, bytes: 2_048)
        #expect(bench.stores.isEmpty)
        let third = bench.call(from: endpoint(12), saying: announcing)
        #expect(bench.requests(to: third) == [block])
        // All of it at once is of use.
        bench.give(block, from: third)
        #expect(bench.forgotten.map(\.length) == [1_024])
        #expect(bench.stores == [0])
        #expect(bench.messageIDs(to: slow) == [cancel] && bench.messageIDs(to: second) == [cancel])
        bench.tell { $0.pieceFailed(0, blocks: [1], now: $2, into: &$1) }
        #expect(bench.closed == [third])
    }

    /// Nor is it lost when the peer that began it stays and gives no more.
    @Test func whatWasNotTakenIsAskedForAgain() throws {
        var bench = try SwarmBench(pieces: 1, isComplete: false)
        let first = bench.call(from: endpoint(10), saying: announcing)
        let block = try #require(bench.requests(to: first).first)
        bench.give(block, from: first, bytes: 1_024)
        let second = bench.call(from: endpoint(11), saying: announcing)
        bench.give(block, from: second, bytes: 1_024)
        bench.say(second, Array(repeating: 0, count: block.length - 1_024))
        #expect(bench.stores.isEmpty)
        bench.wait(.seconds(30))
        let third = bench.call(from: endpoint(12), saying: announcing)
        #expect(bench.requests(to: third) == [block])
    }

    /// A liar that is gone is refused when its block is proved wrong, and no other peer is.
    @Test func aLiarThatIsGoneIsRefused() throws {
        var bench = try SwarmBench(pieces: 1, blocksPerPiece: 2, isComplete: false)
        let liar = bench.call(from: endpoint(10), saying: announcing)
        let blocks = bench.requests(to: liar)
        bench.give(blocks[0], from: liar)
        bench.hangUp(liar)
        let honest = bench.call(from: endpoint(11), saying: announcing)
        #expect(bench.requests(to: honest) == [blocks[1]])
        bench.give(blocks[1], from: honest)
        bench.tell { $0.pieceFailed(0, blocks: [13, 2], now: $2, into: &$1) }
        #expect(bench.requests(to: honest) == blocks)
        for block in blocks { bench.give(block, from: honest) }
        bench.tell { $0.pieceVerified(0, now: $2, into: &$1) }
        bench.tell { $0.blocksDigested(0, [1, 2], now: $2, into: &$1) }
        #expect(bench.swarm.snapshot.peersBanned == 1)
        let (again, other) = (bench.call(from: endpoint(10)), bench.call(from: endpoint(11)))
        #expect(bench.closed.contains(again) && !bench.closed.contains(other))
    }

    /// The only giver is the liar, gone or not.
    @Test func theOnlyGiverIsRefusedWhenItIsGone() throws {
        var bench = try SwarmBench(pieces: 1, isComplete: false)
        let liar = bench.call(from: endpoint(10), saying: announcing)
        bench.give(bench.requests(to: liar)[0], from: liar)
        bench.hangUp(liar)
        bench.tell { $0.pieceFailed(0, blocks: [1], now: $2, into: &$1) }
        #expect(bench.swarm.snapshot.peersBanned == 1)
    }

    // MARK: Suspects

    /// The poisoner is there first and has given a whole piece, but a wrong one of two givers.
    @Test func aSuspectIsGivenByAPeerThatHasProvedItself() throws {
        var bench = try SwarmBench(pieces: 2, blocksPerPiece: 2, isComplete: false)
        var last = Bitfield(count: 2)
        last[1] = true
        let poisoner = bench.call(from: endpoint(10), saying: [.bitfield(last), .unchoke])
        let poisoned = bench.requests(to: poisoner)
        bench.give(poisoned[0], from: poisoner)
        let proved = bench.call(from: endpoint(11), saying: announcing)
        let asked = bench.requests(to: proved)
        for block in asked where block.piece == 0 { bench.give(block, from: proved) }
        bench.tell { $0.pieceVerified(0, now: $2, into: &$1) }
        bench.wait(.milliseconds(1_500))
        bench.give(poisoned[1], from: proved)
        bench.tell { $0.pieceFailed(1, blocks: [1, 2], now: $2, into: &$1) }
        #expect(bench.requests(to: proved) == poisoned && bench.requests(to: poisoner).isEmpty)
        for _ in 0..<5 {
            bench.wait(.milliseconds(500))
            #expect(bench.requests(to: poisoner).isEmpty)
        }
        // The proved one cannot keep it without end either.
        bench.wait(.milliseconds(1_000))
        #expect(bench.requests(to: poisoner).count == 1)
    }

    /// A piece of two givers has failed: what the unproved one gave of another piece is asked of the proved one.
    @Test(arguments: [true, false])
    func aFailureCostsWhatUnprovedPeersGaveOfOtherPieces(isGone: Bool) throws {
        var bench = try SwarmBench(pieces: 3, blocksPerPiece: 2, isComplete: false)
        var last = Bitfield(count: 3)
        (last[1], last[2]) = (true, true)
        let poisoner = bench.call(from: endpoint(10), saying: [.bitfield(last), .unchoke])
        let poisoned = bench.requests(to: poisoner)
        #expect(poisoned.count == 4)
        let halves = [1, 2].compactMap { piece in poisoned.first { $0.piece == piece } }
        for block in halves { bench.give(block, from: poisoner) }
        let proved = bench.call(from: endpoint(11), saying: announcing)
        for block in bench.requests(to: proved) where block.piece == 0 { bench.give(block, from: proved) }
        bench.tell { $0.pieceVerified(0, now: $2, into: &$1) }
        bench.wait(.milliseconds(1_500))
        if isGone { bench.hangUp(poisoner) }
        let other = try #require(poisoned.first { $0.piece == 1 && $0 != halves[0] })
        bench.give(other, from: proved)
        bench.tell { $0.pieceFailed(1, blocks: [1, 2], now: $2, into: &$1) }
        #expect(bench.forgotten.map(\.offset) == [halves[1].offset])
        var owed = bench.requests(to: proved)
        var asked: [BlockRequest] = []
        while bench.now < .origin + .seconds(4) {
            bench.wait(.milliseconds(500))
            owed += bench.requests(to: proved)
            while let block = owed.popLast() {
                asked.append(block)
                bench.give(block, from: proved)
                owed += bench.requests(to: proved)
            }
        }
        #expect(asked.contains(halves[1]) && asked.contains(halves[0]))
        #expect(!bench.closed.contains(poisoner))
    }
}
