import PeerProtocol
import Primitives
import Swarm
import Testing

private let unchoke: UInt8 = 1
private let request: UInt8 = 6
private let cancel: UInt8 = 8
private let reject: UInt8 = 16

/// Who keeps a place: those that want or give something, and those that come first in the canonical order.
@Suite struct SwarmPeerTests {
    private func endpoint(_ number: Int) -> Endpoint { .v4(UInt8(number), 2, 3, 4, port: 6881) }

    // MARK: BEP 21

    @Test func aSeedDropsWhoUploadsOnly() throws {
        var bench = try SwarmBench(isComplete: true)
        let peer = bench.call(from: endpoint(10), saying: [.haveNone, .interested])
        #expect(bench.messageIDs(to: peer).contains(unchoke))
        var handshake = ExtensionHandshake()
        handshake.isUploadOnly = false
        bench.say(peer, handshake)
        #expect(!bench.closed.contains(peer))
        handshake.isUploadOnly = true
        bench.say(peer, handshake)
        #expect(bench.closed.contains(peer))
        #expect(bench.outbox.events.map(\.event).contains(.peerLost(endpoint(10), .redundant)))
    }

    @Test func aDownloaderKeepsWhoUploadsOnlyAndDoesNotServeIt() throws {
        var bench = try SwarmBench(isComplete: false)
        let peer = bench.call(from: endpoint(10), saying: [.haveAll])
        let partial = bench.call(from: endpoint(11), saying: [.haveNone])
        var handshake = ExtensionHandshake()
        handshake.isUploadOnly = true
        bench.say(partial, handshake)
        bench.say(partial, [.interested])
        #expect(!bench.messageIDs(to: partial).contains(unchoke))
        #expect(bench.closed.isEmpty)
        // When all is there, neither is of use.
        bench.say(peer, [.unchoke])
        for piece in 0..<4 { bench.deliver(piece, from: peer) }
        #expect(bench.closed == [peer, partial])
    }

    // MARK: BEP 5

    /// 200 PORT messages a second feed the DHT one contact a minute.
    @Test func aPeerSaysWhereItsNodeIsOnceAMinute() throws {
        var bench = try SwarmBench(isComplete: true)
        let (flooder, other) = (bench.call(from: endpoint(10)), bench.call(from: endpoint(11)))
        var heard: [Endpoint] = []
        for second in 0..<61 {
            let ports = (0..<200).map { OutgoingMessage.port(UInt16(1 + second * 200 + $0)) }
            bench.say(flooder, ports)
            heard += bench.outbox.contacts
            bench.wait(.seconds(1))
        }
        #expect(heard.map(\.port) == [1, 12_001])
        bench.say(other, [.port(0), .port(6881)])
        #expect(bench.outbox.contacts.map(\.port) == [6881])
    }

    // MARK: BEP 40

    @Test func aCallerThatComesBeforeTheLastTakesItsPlace() throws {
        var bench = try SwarmBench(isComplete: true) {
            $0.peersMax = 4
            $0.servesPeers = false
        }
        bench.swarm.weAre(.v4(123, 213, 32, 10, port: 0))
        let ours = Endpoint.v4(123, 213, 32, 10, port: 6881)
        let callers = (10..<20).map(endpoint).sorted { rank($0, ours) < rank($1, ours) }
        let places = callers[3...5].map { bench.call(from: $0, saying: [.haveNone, .interested]) }
        // Nobody is displaced before it has had its time.
        let early = bench.call(from: callers[9])
        bench.wait(.seconds(30))
        let last = bench.call(from: callers[0])
        #expect(bench.closed == [early, last])
        #expect(bench.closed.isDisjoint(with: places))
        let first = bench.call(from: callers[8])
        #expect(!bench.closed.contains(first) && bench.closed.contains(places[0]))
        #expect(bench.outbox.events.map(\.event).contains(.peerLost(callers[3], .displaced)))
        #expect(bench.closed.isDisjoint(with: places.dropFirst()))
    }

    @Test func aHostWithAPlaceDisplacesNobody() throws {
        var bench = try SwarmBench(isComplete: true) {
            $0.peersMax = 4
            $0.bansHosts = true
            $0.servesPeers = false
        }
        bench.swarm.weAre(.v4(123, 213, 32, 10, port: 0))
        let ours = Endpoint.v4(123, 213, 32, 10, port: 6881)
        let callers = (10..<13).map(endpoint).sorted { rank($0, ours) < rank($1, ours) }
        for caller in callers { _ = bench.call(from: caller, saying: [.haveNone, .interested]) }
        bench.wait(.seconds(30))
        var again = callers[2]
        again.port = 7000
        let second = bench.call(from: again)
        #expect(bench.closed == [second])
    }

    @Test func aPeerThatGivesIsNotDisplaced() throws {
        var bench = try SwarmBench(pieces: 40, isComplete: false) {
            $0.peersMax = 2
            $0.displaceDelay = .seconds(5)
        }
        let giver = bench.call(from: endpoint(10), saying: [.haveAll, .unchoke])
        let block = try #require(bench.requests(to: giver).first)
        bench.wait(.seconds(4))
        let early = bench.call(from: endpoint(11))
        bench.deliver(block.piece, from: giver)
        bench.wait(.seconds(25))
        let refused = bench.call(from: endpoint(12))
        #expect(bench.closed == [early, refused] && bench.swarm.snapshot.callersRefused == 2)
        // Half a minute after its only block, it has no more right to its place than others.
        bench.wait(.seconds(10))
        _ = bench.call(from: endpoint(12))
        #expect(bench.closed == [early, refused, giver])
    }

    @Test func aCallOfOursThatNobodyAnswersIsDisplacedFirst() throws {
        var bench = try SwarmBench(isComplete: true) {
            $0.peersMax = 4
            $0.servesPeers = false
        }
        bench.swarm.weAre(.v4(123, 213, 32, 10, port: 0))
        let ours = Endpoint.v4(123, 213, 32, 10, port: 6881)
        let all = (10..<20).map(endpoint).sorted { rank($0, ours) < rank($1, ours) }
        let here = [all[0], all[2]].map { bench.call(from: $0, saying: [.haveNone, .interested]) }
        bench.wait(.seconds(30))
        bench.tell { $0.peersFound([all[1], all[9]], source: .tracker, now: $2, into: &$1) }
        let first = bench.call(from: all[8])
        #expect(!bench.closed.contains(first) && bench.closed.isDisjoint(with: here))
        #expect(bench.outbox.events.map(\.event).contains(.peerLost(all[1], .displaced)))
        // The other one comes before the caller.
        let second = bench.call(from: all[7])
        #expect(!bench.closed.contains(second) && bench.closed.contains(here[0]))
    }

    private func rank(_ peer: Endpoint, _ ours: Endpoint) -> UInt32 { PeerPriority(peer, ours)?.rawValue ?? 0 }

    // MARK: Peers that take too much

    /// It says that it has nothing, whatever it was given (BEP 6).
    @Test func aChokedPeerIsGivenItsFastPiecesTwiceAndNoMore() throws {
        var bench = try SwarmBench(isComplete: true) {
            $0.uploadSlots = 0
            $0.uploadSlotsMax = 0
        }
        _ = bench.call(from: endpoint(10), saying: [.haveNone, .interested])
        let greedy = bench.call(from: endpoint(11), saying: [.haveNone, .interested])
        #expect(bench.messageIDs(to: greedy).contains(unchoke) == false)
        let block = BlockRequest(piece: 0, offset: 0, length: SwarmBench.blockLength)
        var given = 0
        for _ in 0..<20 {
            bench.say(greedy, [.request(block)])
            guard bench.reads == [block] else { continue }
            given += 1
            bench.tell { $0.blockSent(block, to: greedy, now: $2, into: &$1) }
        }
        #expect(given == 2 * Swarm.Configuration().allowedFastCount)
        #expect(bench.messageIDs(to: greedy) == [reject])
    }

    @Test func aBlockThatCannotBeReadIsRejectedAndNotCounted() throws {
        var bench = try SwarmBench(isComplete: true)
        let peer = bench.call(from: endpoint(10), saying: [.haveNone, .interested])
        let block = BlockRequest(piece: 0, offset: 0, length: SwarmBench.blockLength)
        bench.say(peer, [.request(block)])
        #expect(bench.reads == [block])
        bench.tell { $0.blockUnreadable(block, to: peer, now: $2, into: &$1) }
        #expect(bench.messageIDs(to: peer) == [reject])
        #expect(bench.swarm.snapshot.uploadedBytes == 0)
    }

    // MARK: Peers that give too little

    /// 512 bytes every 19 seconds: never silent for the 20 seconds that silence may last.
    @Test func aPeerThatDripsIsSnubbed() throws {
        var bench = try SwarmBench(isComplete: false)
        let drip = bench.call(from: endpoint(10), saying: [.haveAll, .unchoke])
        let asked = bench.requests(to: drip)
        let block = try #require(asked.first)
        var bytes: [UInt8] = []
        OutgoingMessage.pieceHeader(block).encode(into: &bytes)
        bench.say(drip, bytes)
        var snubbedAt: Instant?
        for _ in 0..<5 where snubbedAt == nil {
            bench.say(drip, Array(repeating: 0, count: 512))
            for _ in 0..<38 where snubbedAt == nil {
                bench.wait(.milliseconds(500))
                if bench.messageIDs(to: drip).contains(cancel) { snubbedAt = bench.now }
            }
        }
        #expect(snubbedAt == .origin + .seconds(60))
        // From now on it holds one block at a time.
        #expect(bench.messageIDs(to: drip).count(where: { $0 == cancel }) == asked.count)
        #expect(bench.messageIDs(to: drip).count(where: { $0 == request }) == 1)
    }

    /// Each cancel is answered by a reject (BEP 6), which says nothing of what was asked for again after it.
    @Test func aRejectThatAnswersACancelTakesNoPieceFromThePeer() throws {
        var bench = try SwarmBench(isComplete: false)
        let late = bench.call(from: endpoint(10), saying: [.haveAll, .unchoke])
        let asked = bench.requests(to: late)
        bench.wait(.seconds(20))
        let again = try #require(bench.requests(to: late).first)
        bench.say(late, asked.map { .reject($0) })
        var requests = [again]
        var answered = 0
        while answered < requests.count {
            let piece = requests[answered].piece
            answered += 1
            bench.deliver(piece, from: late, isVerified: false)
            #expect(bench.stores == [piece])
            requests += bench.requests(to: late)
        }
        #expect(Set(requests) == Set(asked))
    }

    /// It was cancelled twice, and asked for a third time.
    @Test func eachCancelHasARejectOfItsOwn() throws {
        var bench = try SwarmBench(pieces: 1, isComplete: false)
        let late = bench.call(from: endpoint(10), saying: [.haveAll, .unchoke])
        let block = try #require(bench.requests(to: late).first)
        // After the second time it has to wait for two seconds.
        for seconds in [20, 22] {
            bench.wait(.seconds(seconds))
            #expect(bench.requests(to: late) == [block])
        }
        bench.say(late, [.reject(block), .reject(block)])
        bench.deliver(0, from: late, isVerified: false)
        #expect(bench.stores == [0])
        // Nothing more was to come of the cancels.
        bench.tell { $0.pieceFailed(0, blocks: [], now: $2, into: &$1) }
        #expect(bench.closed == [late])
    }

    @Test func aRejectOfWhatIsWantedTakesThePieceFromThePeerUntilItChokes() throws {
        var bench = try SwarmBench(isComplete: false)
        let peer = bench.call(from: endpoint(10), saying: [.haveAll, .unchoke])
        let asked = bench.requests(to: peer)
        bench.say(peer, [.reject(asked[0])])
        bench.wait(.seconds(3))
        #expect(!bench.requests(to: peer).contains(asked[0]))
        // Transmission 3.00 sends the rejects of a choke before the choke.
        bench.say(peer, [.reject(asked[1]), .reject(asked[2]), .reject(asked[3]), .choke])
        bench.say(peer, [.unchoke])
        #expect(Set(bench.requests(to: peer)) == Set(asked.dropFirst()))
    }

    /// Two that are silent would take the same blocks from each other for ever.
    @Test func silentPeersTakeNothingFromEachOther() throws {
        var bench = try SwarmBench(pieces: 5, isComplete: false)
        // One piece is nobody's, so that this is not the end game.
        var most = Bitfield(filled: 5)
        most[4] = false
        let peers = (10...11).map { bench.call(from: endpoint($0), saying: [.bitfield(most), .unchoke]) }
        let asked = bench.swarm.snapshot.requestsSent
        bench.wait(.milliseconds(19_500))
        // The second had its chance with what the first does not give.
        #expect(bench.swarm.snapshot.requestsSent == 2 * asked)
        #expect(bench.swarm.snapshot.peersDoubted == 2)
        #expect(peers.allSatisfy { !bench.messageIDs(to: $0).contains(cancel) })
    }

    /// A disk that is behind again and again stops no clock for ever.
    @Test func pausesOfReadingDoNotKeepASilentPeer() throws {
        var bench = try SwarmBench(isComplete: false) { $0.storageBacklogBytesMax = 100 }
        let silent = bench.call(from: endpoint(10), saying: [.haveAll, .unchoke])
        bench.deliver(try #require(bench.requests(to: silent).first).piece, from: silent)
        var snubbedAt: Instant?
        for second in 0..<60 where snubbedAt == nil {
            // Every other second.
            bench.tell { $0.storageBacklogChanged(bytes: second % 2 * 1_000, now: $2, into: &$1) }
            for _ in 0..<2 {
                bench.wait(.milliseconds(500))
                if bench.messageIDs(to: silent).contains(cancel) { snubbedAt = bench.now }
            }
        }
        // Of 40 seconds it had 20 to speak in.
        let at = try #require(snubbedAt)
        #expect((.origin + .seconds(38) ... .origin + .seconds(42)).contains(at))
    }

    @Test func aSlowPeerWhoseBlocksBecomeWholeIsNot() throws {
        var bench = try SwarmBench(isComplete: false)
        let slow = bench.call(from: endpoint(10), saying: [.haveAll, .unchoke])
        for block in bench.requests(to: slow).prefix(3) {
            var bytes: [UInt8] = []
            OutgoingMessage.pieceHeader(block).encode(into: &bytes)
            bench.say(slow, bytes)
            for _ in 0..<32 {
                bench.say(slow, Array(repeating: 0, count: 512))
                bench.wait(.milliseconds(1_500))
                #expect(!bench.messageIDs(to: slow).contains(cancel))
            }
        }
    }
}
