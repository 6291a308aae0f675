import PeerProtocol
import Primitives
import Testing

@testable import Swarm

private let have: UInt8 = 4
private let request: UInt8 = 6
private let cancel: UInt8 = 8

/// Peers that are asked for blocks and do not give them, beside one that does.
@Suite struct TrustTests {
    private func endpoint(_ number: Int) -> Endpoint { .v4(UInt8(number), 2, 3, 4, port: 6881) }
    private let announcing: [OutgoingMessage] = [.haveAll, .unchoke]

    /// Gives what was asked of the peer by the last fact, and by its answers, up to `count` blocks.
    private func serve(_ bench: inout SwarmBench, _ peer: PeerHandle, atMost count: Int = .max) -> [BlockRequest] {
        var (asked, given) = (bench.requests(to: peer), [BlockRequest]())
        while given.count < min(asked.count, count) {
            let block = asked[given.count]
            given.append(block)
            bench.give(block, from: peer)
            asked += bench.requests(to: peer)
        }
        return given
    }

    // MARK: Silent peers (D1)

    /// They hold all blocks; the giver comes last and is given the least.
    @Test(arguments: [1, 3, 30]) func whatSilentPeersOweIsAskedOfTheOneThatGives(count: Int) throws {
        var bench = try SwarmBench(pieces: 64, isComplete: false)
        for number in 0..<count { _ = bench.call(from: endpoint(10 + number), saying: announcing) }
        let giver = bench.call(from: endpoint(9), saying: announcing)
        var given = Set(serve(&bench, giver))
        for _ in 0..<4 {
            bench.wait(.milliseconds(500))
            given.formUnion(serve(&bench, giver))
        }
        #expect(given.count == 64)
    }

    /// A peer that never gave is asked for what is free, and takes nothing from one that gives.
    @Test func aNewcomerTakesNothingFromAGiver() throws {
        var bench = try SwarmBench(pieces: 40, isComplete: false)
        let giver = bench.call(from: endpoint(9), saying: announcing)
        let asked = bench.requests(to: giver)
        for block in asked.prefix(3) { bench.give(block, from: giver) }
        for number in 0..<5 {
            _ = bench.call(from: endpoint(10 + number), saying: announcing)
            #expect(!bench.messageIDs(to: giver).contains(cancel))
        }
        bench.wait(.milliseconds(500))
        #expect(!bench.messageIDs(to: giver).contains(cancel))
    }

    /// One that has given a block, when all that is left is asked of another, and five newcomers are there.
    private func giverBesideNewcomers(copies: Int) throws -> (SwarmBench, giver: PeerHandle, hoarder: PeerHandle) {
        var bench = try SwarmBench(pieces: 2, isComplete: false) { $0.duplicateRequestsMax = copies }
        var first = Bitfield(count: 2)
        first[0] = true
        let giver = bench.call(from: endpoint(9), saying: [.bitfield(first), .unchoke])
        bench.deliver(0, from: giver)
        let hoarder = bench.call(from: endpoint(8), saying: announcing)
        #expect(bench.requests(to: hoarder).map(\.piece) == [1])
        for number in 10..<15 { _ = bench.call(from: endpoint(number), saying: announcing) }
        bench.say(giver, [.have(1)])
        return (bench, giver, hoarder)
    }

    @Test func copiesAtPeersThatNeverGaveKeepNoGiverFromBeingAsked() throws {
        let (bench, giver, _) = try giverBesideNewcomers(copies: 2)
        #expect(bench.requests(to: giver).map(\.piece) == [1])
    }

    @Test func whatAPeerLeavesGoesToTheGiverFirst() throws {
        var (bench, giver, hoarder) = try giverBesideNewcomers(copies: 1)
        #expect(bench.requests(to: giver).isEmpty)
        bench.hangUp(hoarder)
        #expect(bench.requests(to: giver).map(\.piece) == [1])
    }

    /// The blocks of a fake seed that chokes after each batch are never out of reach, and it is asked ever less.
    @Test func aPeerThatChokesAfterEachBatchIsAskedEverLess() throws {
        var bench = try SwarmBench(pieces: 64, isComplete: false)
        let fake = bench.call(from: endpoint(10), saying: [.haveAll])
        for _ in 0..<1_200 {
            bench.say(fake, [.unchoke])
            bench.say(fake, [.choke])
            bench.wait(.milliseconds(500))
        }
        #expect((17...70).contains(bench.swarm.snapshot.requestsSent), "\(bench.swarm.snapshot.requestsSent)")
        #expect(bench.swarm.snapshot.requestFailures > 3)
    }

    /// An honest peer may have to choke us before its first block is out.
    @Test func oneTurnWithoutABlockIsNoFailure() throws {
        var bench = try SwarmBench(pieces: 64, isComplete: false)
        let peer = bench.call(from: endpoint(10), saying: announcing)
        let count = bench.requests(to: peer).count
        let blocks = bench.requests(to: peer)
        bench.say(peer, [.choke] + blocks.map { .reject($0) })
        bench.say(peer, [.unchoke])
        #expect(bench.requests(to: peer).count == count)
        #expect(bench.swarm.snapshot.requestFailures == 0)
    }

    /// It gives all but the oldest block.
    @Test func aBlockThatIsPassedOverIsAskedOfAnother() throws {
        var bench = try SwarmBench(pieces: 40, isComplete: false)
        let peer = bench.call(from: endpoint(10), saying: announcing)
        var asked = bench.requests(to: peer)
        let kept = asked[0]
        for second in 1...20 {
            bench.give(asked[second], from: peer)
            asked += bench.requests(to: peer)
            bench.wait(.seconds(1))
        }
        #expect(bench.messageIDs(to: peer).contains(cancel))
        let other = bench.call(from: endpoint(11), saying: announcing)
        #expect(bench.requests(to: other).contains(kept))
    }

    // MARK: Rejects (A2)

    /// Whatever it announces, it is asked ever less; each block that it gives is worth one reject.
    @Test(arguments: [
        [], [OutgoingMessage.haveAll], [.haveNone], [.choke, .unchoke], [.bitfield(Bitfield(filled: 64))],
    ])
    func aPeerThatRejectsIsAskedEverLess(announcing more: [OutgoingMessage]) throws {
        var bench = try SwarmBench(pieces: 64, isComplete: false)
        let peer = bench.call(from: endpoint(10), saying: announcing)
        var asked = bench.requests(to: peer)
        for _ in 0..<1_200 {
            while !asked.isEmpty {
                bench.say(peer, asked.flatMap { [.reject($0), .have($0.piece)] } + more)
                asked = bench.requests(to: peer)
            }
            bench.wait(.milliseconds(500))
            asked = bench.requests(to: peer)
        }
        #expect((16...80).contains(bench.swarm.snapshot.requestsSent), "\(bench.swarm.snapshot.requestsSent)")
    }

    @Test func aPeerThatRejectsAndThenGivesIsTrustedAgain() throws {
        var bench = try SwarmBench(pieces: 64, isComplete: false)
        let peer = bench.call(from: endpoint(10), saying: announcing)
        bench.say(peer, bench.requests(to: peer).map { .reject($0) })
        #expect(bench.requests(to: peer).isEmpty && bench.swarm.snapshot.peersDoubted == 1)
        bench.wait(.seconds(1))
        let probe = bench.requests(to: peer)
        #expect(probe.count == 1)
        bench.give(probe[0], from: peer)
        #expect(bench.swarm.snapshot.peersDoubted == 0)
        #expect(bench.requests(to: peer).count >= 16)
    }

    // MARK: Messages without end (A3)

    @Test func piecesAreOnlyAdded() throws {
        var bench = try SwarmBench(pieces: 64, isComplete: false)
        var half = Bitfield(count: 64)
        for piece in 0..<32 { half[piece] = true }
        let peer = bench.call(from: endpoint(10), saying: [.bitfield(half)])
        #expect(bench.swarm.snapshot.seedsConnected == 0)
        bench.say(peer, [.haveAll])
        for _ in 0..<50 { bench.say(peer, [.haveNone, .haveAll, .bitfield(half)]) }
        #expect(bench.swarm.snapshot.seedsConnected == 1)
        #expect(bench.closed.isEmpty)
        bench.say(peer, [.unchoke])
        #expect(bench.requests(to: peer).count == 16)
    }

    @Test(
        arguments: [
            .haveAll, .haveNone, .have(3), .choke, .unchoke, .allowedFast(2), .keepAlive, .notInterested,
            .reject(BlockRequest(piece: 0, offset: 0, length: 16_384)), .bitfield(Bitfield(count: 64)),
        ] as [OutgoingMessage])
    func messagesThatCarryNothingEndAConnection(message: OutgoingMessage) throws {
        var bench = try SwarmBench(pieces: 64, isComplete: false) { $0.uselessMessagesMax = 1_000 }
        let peer = bench.call(from: endpoint(10), saying: [.haveAll])
        let hundred = Array(repeating: message, count: 100)
        // As many as are forgiven, for ever.
        for _ in 0..<40 {
            bench.say(peer, hundred)
            bench.wait(.milliseconds(500))
        }
        #expect(bench.closed.isEmpty)
        for _ in 0..<11 where bench.closed.isEmpty { bench.say(peer, hundred) }
        #expect(bench.closed == [peer])
        #expect(
            bench.outbox.events.map(\.event).contains(
                .peerLost(endpoint(10), .protocolViolation(.tooManyMessages))))
        #expect(!PeerLoss.protocolViolation(.tooManyMessages).isSuspicious)
    }

    @Test func havesThatAreNewsDoNotCount() throws {
        var bench = try SwarmBench(pieces: 2_000, isComplete: false) { $0.uselessMessagesMax = 10 }
        let peer = bench.call(from: endpoint(10), saying: [.haveNone])
        bench.say(peer, (0..<2_000).map { .have($0) })
        #expect(bench.closed.isEmpty && bench.swarm.snapshot.seedsConnected == 1)
    }

    // MARK: Peers that were there before the files were checked (I3)

    @Test(arguments: [(3, [have, have, have]), (1_500, [5]), (2_000, [14])])
    func whatIsThereIsToldInOneMessageIfItIsMuch(count: Int, expected: [UInt8]) throws {
        var pieces = Bitfield(count: 2_000)
        for piece in 0..<count { pieces[piece] = true }
        var bench = try SwarmBench(pieces: 2_000, isComplete: false, opensStorage: false)
        let peer = bench.call(from: endpoint(10), saying: [.haveNone])
        bench.tell { $0.storageOpened(have: pieces, now: $2, into: &$1) }
        #expect(bench.messageIDs(to: peer).filter { [have, 5, 14].contains($0) } == expected)
    }

    /// A peer that pushes what was not asked for must not use up the download limit.
    @Test(arguments: [20_000 % 16_384 + 12_000, 0]) func payloadThatWasNotAskedForEndsTheConnection(length: Int) throws
    {
        var bench = try SwarmBench(pieces: 2_000, isComplete: false)
        bench.tell { swarm, _, _ in swarm.limit(.download) }
        let honest = bench.call(from: .v4(9, 2, 3, 4, port: 6881), saying: [.haveAll, .unchoke])
        let rude = bench.call(from: .v4(10, 2, 3, 4, port: 6881), saying: [.haveNone])
        var asked = 0
        for _ in 0..<1_200 {
            for _ in 0..<(length == 0 ? 40 : 2) {
                bench.give(BlockRequest(piece: 0, offset: 1, length: length), from: rude)
            }
            bench.now = bench.now + .milliseconds(50)
            bench.tell { $0.allowed(25_000, .download, now: $2, into: &$1) }
            let blocks = bench.requests(to: honest)
            asked += blocks.count
            for block in blocks { bench.deliver(block.piece, from: honest) }
        }
        #expect(bench.closed.contains(rude))
        #expect(asked > 60 * 500_000 / SwarmBench.blockLength * 3 / 4, "\(asked)")
    }

    /// What was asked for and taken back comes all the same: that is no fault of the peer.
    @Test func payloadThatWasTakenBackIsPutUpWith() throws {
        var bench = try SwarmBench(pieces: 200, isComplete: false)
        let slow = bench.call(from: .v4(9, 2, 3, 4, port: 6881), saying: [.haveAll, .unchoke])
        let owed = bench.requests(to: slow)
        #expect(owed.count > Peer.unaskedBytesMax / SwarmBench.blockLength)
        // Long enough that the requests are cancelled.
        bench.wait(.seconds(70))
        for block in owed { bench.give(block, from: slow) }
        #expect(!bench.closed.contains(slow))
    }
}
