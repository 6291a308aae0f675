import PeerProtocol
import Primitives
import Swarm
import Testing

/// A seed's upload places beside peers that hold them and take nothing, or little.
@Suite struct UploadAttackTests {
    private let honestHost = Endpoint.v4(9, 9, 9, 9, port: 6881)

    /// Of one host, or of as many.
    private func endpoint(_ number: Int, isOneHost: Bool) -> Endpoint {
        isOneHost
            ? .v4(1, 2, 3, 4, port: UInt16(number + 1)) : .v4(1, 2, UInt8(number / 250), UInt8(number % 250), port: 1)
    }

    /// Lets ticks pass until the peer has a place; how long that took.
    private func timeToUnchoke(
        _ peer: PeerHandle, in bench: inout SwarmBench, limit: Duration = .seconds(60),
        beside: (inout SwarmBench) -> Void = { _ in }
    ) -> Duration {
        let start = bench.now
        while !bench.unchoked.contains(peer), bench.now - start < limit {
            beside(&bench)
            bench.wait(.milliseconds(500))
        }
        return bench.now - start
    }

    @Test(arguments: [20, 60, 180], [true, false])
    func peersThatTakeNothingDoNotHoldPlaces(count: Int, isOneHost: Bool) throws {
        var bench = try SwarmBench(isComplete: true) { $0.peersMax = 400 }
        for number in 0..<count { _ = bench.call(from: endpoint(number, isOneHost: isOneHost), saying: [.interested]) }
        let honest = bench.call(from: honestHost, saying: [.interested])
        let time = timeToUnchoke(honest, in: &bench)
        #expect(time <= .seconds(count > 100 ? 4 : 2), "\(time)")
        // It takes all the time, and is served all the time.
        var taken = 0
        for round in 0..<120 {
            bench.request(round % 4, by: honest)
            taken += bench.take(honest)
            bench.wait(.milliseconds(500))
        }
        #expect(taken > 100, "\(taken)")
    }

    @Test(arguments: [60, 180]) func peersThatRequestAndNeverReadDoNotHoldPlaces(count: Int) throws {
        var bench = try SwarmBench(isComplete: true) { $0.peersMax = 400 }
        let block = BlockRequest(piece: 0, offset: 0, length: SwarmBench.blockLength)
        for number in 0..<count {
            let peer = bench.call(from: endpoint(number, isOneHost: true), saying: [.interested])
            if bench.unchoked.contains(peer) { bench.say(peer, [.request(block)]) }
        }
        let honest = bench.call(from: honestHost, saying: [.interested])
        let time = timeToUnchoke(honest, in: &bench) { bench in
            for peer in bench.unchoked where bench.unsent[peer] == nil { bench.say(peer, [.request(block)]) }
        }
        #expect(time <= .seconds(3), "\(time)")
    }

    @Test(arguments: [40, 120], [4, 2, 1]) func slowTakersLeavePlaces(count: Int, secondsPerBlock: Int) throws {
        var bench = try SwarmBench(isComplete: true)
        let slow = (0..<count).map { bench.call(from: endpoint($0, isOneHost: false), saying: [.interested]) }
        var ticks = 0
        let take = { (bench: inout SwarmBench) in
            ticks += 1
            for (number, peer) in slow.enumerated() where bench.unchoked.contains(peer) {
                guard (ticks + number) % (2 * secondsPerBlock) == 0 else { continue }
                bench.request(0, by: peer)
                bench.take(peer)
            }
        }
        for _ in 0..<4 {
            take(&bench)
            bench.wait(.milliseconds(500))
        }
        let honest = bench.call(from: honestHost, saying: [.interested])
        let time = timeToUnchoke(honest, in: &bench, beside: take)
        #expect(time <= .seconds(3), "\(time)")
    }

    @Test(arguments: [20, 60], [true, false])
    func takersOfCrumbsDoNotHoldPlaces(count: Int, isOneHost: Bool) throws {
        var bench = try SwarmBench(isComplete: true)
        let crumb = BlockRequest(piece: 0, offset: 0, length: 16)
        let takers = (0..<count).map { bench.call(from: endpoint($0, isOneHost: isOneHost), saying: [.interested]) }
        let take = { (bench: inout SwarmBench) in
            for peer in takers where bench.unchoked.contains(peer) {
                bench.say(peer, [.request(crumb)])
                bench.take(peer)
            }
        }
        for _ in 0..<8 {
            take(&bench)
            bench.wait(.milliseconds(500))
        }
        let honest = bench.call(from: honestHost, saying: [.interested])
        let time = timeToUnchoke(honest, in: &bench, beside: take)
        #expect(time <= .seconds(3), "\(time)")
    }

    @Test func floodsOfCrumbsEndTheConnection() throws {
        var bench = try SwarmBench(isComplete: true) { $0.uselessMessagesMax = 100 }
        let flooder = bench.call(from: endpoint(0, isOneHost: true), saying: [.interested])
        let honest = bench.call(from: honestHost, saying: [.interested])
        bench.say(flooder, (0..<200).map { .request(BlockRequest(piece: 0, offset: 16 * $0, length: 16)) })
        // The end of a piece may be of any length.
        let last = BlockRequest(piece: 0, offset: SwarmBench.blockLength - 16, length: 16)
        for _ in 0..<200 {
            bench.say(honest, [.request(last)])
            bench.take(honest)
        }
        #expect(bench.closed == [flooder])
    }

    @Test func hostsThatReturnWithoutTakingComeLast() throws {
        var bench = try SwarmBench(isComplete: true) {
            $0.uploadSlots = 1
            $0.uploadSlotsMax = 1
            $0.uploadSlotsIdleMax = 0
        }
        let holder = endpoint(0, isOneHost: true)
        for _ in 0..<3 { bench.hangUp(bench.call(from: holder, saying: [.interested])) }
        // It had places and took nothing: it waits for the next tick, others do not.
        let again = bench.call(from: holder, saying: [.interested])
        #expect(!bench.unchoked.contains(again))
        let honest = bench.call(from: honestHost, saying: [.interested])
        #expect(bench.unchoked.contains(honest))
    }

    @Test func whatWasNotSentIsGivenBack() throws {
        var bench = try SwarmBench(isComplete: true)
        bench.tell { swarm, _, _ in swarm.limit(.upload) }
        let block = SwarmBench.blockLength
        let thief = bench.call(from: endpoint(1, isOneHost: true), saying: [.interested])
        for piece in 0..<4 { bench.request(piece, by: thief) }
        bench.tell { $0.allowed(4 * block, .upload, now: $2, into: &$1) }
        #expect(bench.unsent[thief]?.count == 4)
        let honest = bench.call(from: honestHost, saying: [.interested])
        bench.request(0, by: honest)
        #expect(bench.reads.isEmpty)
        bench.hangUp(thief)
        bench.tell { $0.allowed(1, .upload, now: $2, into: &$1) }
        #expect(bench.unsent[honest]?.count == 1)
        // Nor is a connection that stands still paid for by the others.
        let second = bench.call(from: endpoint(2, isOneHost: true), saying: [.interested])
        for piece in 0..<4 { bench.request(piece, by: second) }
        #expect(bench.unsent[second]?.count == 4)
        bench.take(honest)
        bench.wait(.seconds(4))
        for piece in 0..<3 { bench.request(piece, by: honest) }
        #expect(bench.take(honest) == 3)
        // What it takes late after all is charged then.
        bench.take(second)
        bench.request(1, by: honest)
        #expect(bench.take(honest) == 0)
    }

    @Test func whoeverLeavesBlocksUnreadGoes() throws {
        var bench = try SwarmBench(pieces: 400, isComplete: true) {
            $0.uploadStuckBytesMax = 40 * SwarmBench.blockLength
        }
        let peers = (0..<5).map { bench.call(from: endpoint($0, isOneHost: false), saying: [.interested]) }
        for peer in peers { for piece in 0..<16 { bench.request(piece, by: peer) } }
        bench.wait(.seconds(9))
        #expect(bench.closed.isEmpty)
        bench.wait(.seconds(2))
        // Three of them hold more than may stand still.
        #expect(bench.closed.count == 3 && bench.swarm.snapshot.stuckUploads == 3)
        bench.wait(.seconds(90))
        #expect(bench.closed.count == 5)
    }

    /// Peers whose sockets took much and then stand still; what all of them hold is bounded, and each is still served.
    @Test func whatIsOnItsWayToAllPeersIsBounded() throws {
        var bench = try SwarmBench(pieces: 400, isComplete: true) {
            $0.uploadInFlightTotalMax = 100 * SwarmBench.blockLength
            ($0.uploadSlots, $0.uploadSlotsMax) = (40, 40)
        }
        let peers = (0..<20).map { bench.call(from: endpoint($0, isOneHost: false), saying: [.interested]) }
        for peer in peers { for piece in 0..<64 { bench.request(piece, by: peer) } }
        #expect((100...(100 + 16 + 2 * 20)).contains(bench.unsent.values.reduce(0) { $0 + $1.count }))
        #expect(peers.allSatisfy { (bench.unsent[$0] ?? []).count >= 2 })
        // All of it is given when they read after all, and what a peer held that hangs up is given back.
        bench.hangUp(peers[0])
        #expect(peers.dropFirst().allSatisfy { bench.take($0) == 64 })
        bench.request(0, by: peers[1])
        #expect(bench.unsent[peers[1]]?.count == 1)
    }

    /// Each request of a choked peer is answered with a reject, which it need not read.
    @Test func aPeerThatRequestsThoughItIsChokedGoesAndOneThatWasJustChokedStays() throws {
        var bench = try SwarmBench(pieces: 2_000, isComplete: true) { $0.chokeInterval = .seconds(5) }
        let requests = { (pieces: Range<Int>) in
            pieces.map { OutgoingMessage.request(BlockRequest(piece: $0, offset: 0, length: SwarmBench.blockLength)) }
        }
        let rude = bench.call(from: endpoint(1, isOneHost: true), saying: requests(0..<500))
        #expect(!bench.closed.contains(rude))
        bench.say(rude, requests(500..<520))
        #expect(bench.closed.contains(rude))
        let served = bench.call(from: endpoint(0, isOneHost: true), saying: [.haveNone, .interested])
        #expect(bench.unchoked.contains(served))
        bench.say(served, [.notInterested])
        #expect(!bench.unchoked.contains(served))
        bench.say(served, requests(0..<2_000))
        #expect(!bench.closed.contains(served))
    }

    @Test func aPeerThatChangesItsInterestWithoutEndGoes() throws {
        var bench = try SwarmBench(isComplete: true)
        let peer = bench.call(from: endpoint(0, isOneHost: true), saying: [.haveNone])
        for _ in 0..<400 { bench.say(peer, [.interested, .notInterested]) }
        #expect(!bench.closed.contains(peer))
        for _ in 0..<20 { bench.say(peer, [.interested, .notInterested]) }
        #expect(bench.closed.contains(peer) && bench.swarm.snapshot.floods == 1)
    }

    @Test func fastPiecesAreHeldToAShareOfAHost() throws {
        var bench = try SwarmBench(pieces: 40, isComplete: true) {
            $0.uploadSlots = 0
            $0.uploadSlotsMax = 0
            $0.uploadSlotsIdleMax = 0
        }
        _ = bench.call(from: honestHost, saying: [.interested])
        var served = 0
        for _ in 0..<10 {
            let peer = bench.call(from: .v4(1, 2, 3, 4, port: 1), saying: [.haveNone])
            for piece in 0..<40 { bench.request(piece, by: peer) }
            served += bench.take(peer)
            for piece in 0..<40 { bench.request(piece, by: peer) }
            served += bench.take(peer)
            bench.hangUp(peer)
        }
        #expect(served == 20, "\(served)")
        let other = bench.call(from: .v4(2, 2, 3, 4, port: 1), saying: [.haveNone])
        for piece in 0..<40 { bench.request(piece, by: other) }
        #expect(bench.take(other) == 5)
    }

    @Test func cancelsOfNothingEndTheConnection() throws {
        var bench = try SwarmBench(isComplete: true) { $0.uselessMessagesMax = 100 }
        let rude = bench.call(from: endpoint(1, isOneHost: true), saying: [.interested])
        let honest = bench.call(from: honestHost, saying: [.interested])
        let blocks = (0..<101).map { BlockRequest(piece: 0, offset: $0, length: 1) }
        bench.say(rude, blocks.prefix(90).map { .cancel($0) })
        #expect(!bench.closed.contains(rude))
        bench.say(rude, blocks.map { .cancel($0) })
        #expect(bench.closed.contains(rude) && bench.swarm.snapshot.floods == 1)
        // Each cancel of a request is useful.
        for _ in 0..<200 {
            bench.tell { swarm, _, _ in swarm.limit(.upload) }
            bench.request(1, by: honest)
            bench.say(honest, [.cancel(BlockRequest(piece: 1, offset: 0, length: SwarmBench.blockLength))])
        }
        #expect(!bench.closed.contains(honest))
    }

    @Test(arguments: [0, 1, 2]) func floodsOfAnyKindEndTheConnection(kind: Int) throws {
        var bench = try SwarmBench(isComplete: true) { $0.uselessMessagesMax = 100 }
        let rude = bench.call(from: endpoint(1, isOneHost: true))
        let messages: [OutgoingMessage] =
            switch kind {
            case 0: [.interested, .notInterested]
            case 1: [.request(BlockRequest(piece: 0, offset: 0, length: 1))]
            default: [.cancel(BlockRequest(piece: 0, offset: 0, length: 1))]
            }
        for _ in 0..<60 where !bench.closed.contains(rude) { bench.say(rude, messages + messages) }
        #expect(bench.closed.contains(rude))
    }

    @Test func aBlockAskedForTwiceIsSentOnce() throws {
        var bench = try SwarmBench(isComplete: true)
        bench.tell { swarm, _, _ in swarm.limit(.upload) }
        let peer = bench.call(from: honestHost, saying: [.interested])
        bench.request(0, by: peer)
        bench.request(0, by: peer)
        bench.tell { $0.allowed(1 << 20, .upload, now: $2, into: &$1) }
        #expect(bench.take(peer) == 1)
    }
}
