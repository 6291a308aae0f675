import Metainfo
import PeerProtocol
import Primitives
import Testing

@testable import Swarm

/// Places of a torrent under callers and candidates that want them all, with an honest peer beside.
@Suite struct PlacesTests {
    private let honest = Endpoint.v4(99, 1, 1, 1, port: 6881)

    // MARK: Callers

    enum Crowd: CaseIterable {
        case oneAddress, oneNetwork, ofIPv6, manyNetworks

        func endpoint(_ number: Int) -> Endpoint {
            switch self {
            case .oneAddress: .v4(20, 0, 0, 1, port: UInt16(1_000 + number))
            case .oneNetwork: .v4(20, 0, 0, UInt8(number & 255), port: UInt16(1_000 + number))
            case .ofIPv6: .v6(EndpointV6(high: 0x2A00_0001_0002_0003, low: UInt64(number), port: 6881))
            case .manyNetworks: .v4(20, UInt8(number >> 8), UInt8(number & 255), 1, port: 6881)
            }
        }
    }

    /// 150 callers that say nothing hold all places for callers; more come at 40 a second.
    @Test(arguments: Crowd.allCases, [true, false])
    func idleCallersDoNotCloseATorrent(crowd: Crowd, isComplete: Bool) throws {
        var bench = try SwarmBench(isComplete: isComplete) { $0.bansHosts = true }
        for number in 0..<400 {
            _ = bench.call(from: crowd.endpoint(number))
            if number % 20 == 0 { bench.wait(.milliseconds(500)) }
        }
        let before = bench.swarm.snapshot.peersConnected
        #expect((100...150).contains(before))
        if crowd == .manyNetworks { bench.wait(.seconds(5)) }
        let caller = bench.call(from: honest, saying: isComplete ? [.haveNone, .interested] : [.haveAll, .unchoke])
        #expect(!bench.closed.contains(caller))
        // It stays, whatever else comes.
        for number in 400..<800 {
            _ = bench.call(from: crowd.endpoint(number))
            if number % 20 == 0 { bench.wait(.milliseconds(500)) }
        }
        #expect(!bench.closed.contains(caller))
        #expect(bench.swarm.snapshot.peersConnected <= 150)
    }

    @Test func aCrowdOfOneAddressThatIsServedKeepsItsPlaces() throws {
        var bench = try SwarmBench(pieces: 40, isComplete: true) {
            $0.peersMax = 12
            $0.uploadSlots = 40
            $0.uploadSlotsMax = 40
        }
        let house = (0..<9).map {
            bench.call(from: .v4(20, 0, 0, 1, port: UInt16(2_000 + $0)), saying: [.haveNone, .interested])
        }
        let block = BlockRequest(piece: 0, offset: 0, length: SwarmBench.blockLength)
        for peer in house {
            bench.say(peer, [.request(block)])
            bench.tell { $0.blockSent(block, to: peer, now: $2, into: &$1) }
        }
        bench.wait(.seconds(20))
        // A network that has no place yet is given one of them.
        let late = bench.call(from: honest)
        #expect(bench.closed.count == 1 && !bench.closed.contains(late))
        let later = bench.call(from: .v4(99, 1, 1, 2, port: 6881))
        #expect(bench.closed.count == 2 && bench.closed.contains(later))
    }

    /// 150 callers of one address that take a little now and then, for ten minutes.
    @Test(arguments: [16, BlockRequest.usualLength], [Crowd.oneAddress, .manyNetworks])
    func callersThatTakeALittleDoNotCloseATorrent(bytes: Int, crowd: Crowd) throws {
        var bench = try SwarmBench(pieces: 4, isComplete: true) { $0.bansHosts = true }
        var callers = (0..<150).map { bench.call(from: crowd.endpoint($0), saying: [.haveNone, .interested]) }
        bench.wait(.seconds(10))
        for minute in 0..<12 {
            for peer in callers {
                bench.say(peer, [.request(BlockRequest(piece: 0, offset: 0, length: bytes))])
                bench.take(peer)
            }
            bench.wait(.seconds(50))
            let caller = bench.call(from: .v4(99, UInt8(minute), 1, 1, port: 6881), saying: [.haveNone, .interested])
            #expect(!bench.closed.contains(caller), "\(minute)")
            // Those that had to go come back.
            for (index, peer) in callers.enumerated() where bench.closed.contains(peer) {
                callers[index] = bench.call(
                    from: crowd.endpoint(1_000 * (minute + 1) + index), saying: [.haveNone, .interested])
            }
        }
    }

    // MARK: Candidates

    /// Peers that give a block each 15 s hold all places; a seed is named by a tracker.
    @Test func peersThatGiveALittleKeepNoSeedFromBeingCalled() throws {
        var bench = try SwarmBench(pieces: 20_000, isComplete: false) { $0.peersMax = 20 }
        var generator = SeededGenerator(number: 9)
        let named = (0..<40).map { Endpoint.v4(40, 1, UInt8($0), 9, port: 6881) }
        var owed: [PeerHandle: [BlockRequest]] = [:]
        func answer(_ bench: inout SwarmBench) {
            for (handle, endpoint) in calls(bench) where endpoint != honest {
                let hello = handshake(of: bench, using: &generator)
                bench.tell { $0.connected(handle, now: $2, into: &$1) }
                var bytes = hello
                OutgoingMessage.haveAll.encode(into: &bytes)
                OutgoingMessage.unchoke.encode(into: &bytes)
                bench.say(handle, bytes)
                owed[handle, default: []] += bench.requests(to: handle)
            }
        }
        bench.tell { $0.peersFound(named, source: .dht, now: $2, into: &$1) }
        answer(&bench)
        bench.wait(.seconds(2))
        bench.tell { [honest] in $0.peersFound([honest], source: .tracker, now: $2, into: &$1) }
        var calledAfter: Int?
        for tick in 0..<240 where calledAfter == nil {
            for (number, handle) in owed.keys.sorted().enumerated() where tick % 30 == number % 30 {
                guard owed[handle]?.isEmpty == false, !bench.closed.contains(handle) else { continue }
                let block = owed[handle]?.removeFirst()
                guard let block else { continue }
                bench.give(block, from: handle)
                owed[handle]? += bench.requests(to: handle)
                bench.tell { $0.pieceVerified(block.piece, now: $2, into: &$1) }
            }
            bench.wait(.milliseconds(500))
            if calls(bench).contains(where: { $0.1 == honest }) { calledAfter = tick / 2 }
            answer(&bench)
        }
        let seconds = try #require(calledAfter)
        #expect(seconds <= 45, "\(seconds)")
    }

    /// A slow link needs long for the metadata of a large torrent; candidates wait meanwhile.
    @Test func aPeerThatGivesTheMetadataKeepsItsConnection() throws {
        var bench = try SwarmBench(pieces: 100_000, isComplete: false, knowsInfo: false) { $0.peersMax = 8 }
        let giver = bench.call(from: honest)
        var offer = ExtensionHandshake()
        offer.metadataID = 3
        offer.metadataSize = bench.info.bytes.count
        bench.say(giver, offer)
        for number in 0..<7 { bench.say(bench.call(from: Crowd.manyNetworks.endpoint(number)), offer) }
        bench.tell { swarm, outbox, now in
            let strangers = (0..<200).map { Endpoint.v4(30, 1, UInt8($0), 1, port: 6881) }
            swarm.peersFound(strangers, source: .dht, now: now, into: &outbox)
        }
        let pieceCount = (bench.info.bytes.count + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength
        for second in 0..<15 {
            var bytes: [UInt8] = []
            MetadataMessage.encodeData(
                piece: second % pieceCount, of: bench.info.bytes, id: ExtensionID.metadata, into: &bytes)
            bench.say(giver, bytes)
            bench.wait(.seconds(1))
        }
        #expect(!bench.closed.contains(giver))
        #expect(bench.closed.count > 3)
    }

    /// What was called by the last fact.
    private func calls(_ bench: SwarmBench) -> [(PeerHandle, Endpoint)] {
        bench.outbox.actions.compactMap { action in
            if case .connect(let handle, let endpoint) = action { (handle, endpoint) } else { nil }
        }
    }

    private func handshake(of bench: SwarmBench, using generator: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        Handshake(
            capabilities: [.extensionProtocol, .fast], infoHash: bench.info.infoHash,
            peerID: PeerID(prefix: "-TT0000-", using: &generator)
        ).encode(into: &bytes)
        return bytes
    }

    private func candidate(_ number: Int) -> Endpoint {
        .v4(40, UInt8(number >> 8), UInt8(number & 255), 9, port: 6881)
    }

    enum Silence: CaseIterable { case afterTheSYN, afterConnecting, afterTheHandshake, asSeeds }

    /// The honest peer is the last of 1,001 that one namer has named; all others are of no use.
    @Test(
        arguments: [
            (.afterTheSYN, 35), (.afterConnecting, 35), (.afterTheHandshake, 60), (.asSeeds, 60),
        ] as [(Silence, Int64)])
    func thousandUselessPeersDelayAnHonestOneByLessThanAMinute(silence: Silence, secondsMax: Int64) throws {
        var bench = try SwarmBench(isComplete: false)
        var generator = SeededGenerator(number: 9)
        let named = (0..<1_000).map(candidate) + [honest]
        var pending: [(PeerHandle, Endpoint)] = []
        bench.tell { $0.peersFound(named, source: .dht, by: .v4(7, 7, 7, 7, port: 1), now: $2, into: &$1) }
        pending += calls(bench)
        while bench.now < .origin + .seconds(secondsMax), !pending.contains(where: { $0.1 == honest }) {
            let now = pending
            pending = []
            for (handle, _) in now where silence != .afterTheSYN {
                bench.tell { $0.connected(handle, now: $2, into: &$1) }
                pending += calls(bench)
                guard silence != .afterConnecting else { continue }
                var bytes = handshake(of: bench, using: &generator)
                if silence == .asSeeds { OutgoingMessage.haveAll.encode(into: &bytes) }
                bench.say(handle, bytes)
                pending += calls(bench)
            }
            bench.wait(.milliseconds(500))
            pending += calls(bench)
        }
        #expect(pending.contains { $0.1 == honest }, "after \(bench.now)")
        let snapshot = bench.swarm.snapshot
        #expect(snapshot.peersConnected + snapshot.peersConnecting <= 200)
    }

    @Test func whereSomethingIsReceivedAFewGiveWayAMinute() throws {
        var bench = try SwarmBench(pieces: 400, isComplete: false) { $0.peersMax = 20 }
        var generator = SeededGenerator(number: 9)
        let giver = bench.call(from: honest, saying: [.haveAll, .unchoke])
        var asked = bench.requests(to: giver)
        for number in 0..<14 { _ = bench.call(from: candidate(1_000 + number), saying: [.haveAll]) }
        bench.tell { $0.peersFound((0..<500).map(candidate), source: .dht, now: $2, into: &$1) }
        for (handle, _) in calls(bench) {
            bench.tell { $0.connected(handle, now: $2, into: &$1) }
            bench.say(handle, handshake(of: bench, using: &generator))
        }
        #expect(bench.swarm.snapshot.peersConnected == 20)
        var displaced: [Int] = []
        for _ in 0..<120 where !asked.isEmpty {
            let piece = asked.removeFirst().piece
            bench.deliver(piece, from: giver, isVerified: false)
            asked += bench.requests(to: giver)
            bench.tell { $0.pieceVerified(piece, now: $2, into: &$1) }
            asked += bench.requests(to: giver)
            bench.wait(.seconds(1))
            displaced.append(bench.swarm.snapshot.peersDisplaced)
        }
        #expect(!bench.closed.contains(giver) && displaced.count == 120)
        // None in the first minute, then one at a time, until a quarter of the places is free for calls.
        #expect(displaced[58] == 0 && displaced[119] == 5)
        #expect(zip(displaced, displaced.dropFirst()).allSatisfy { $1 - $0 <= 1 })
    }

    @Test func withoutCandidatesNobodyGivesWay() throws {
        var bench = try SwarmBench(isComplete: false) { $0.peersMax = 10 }
        for number in 0..<7 { _ = bench.call(from: candidate(number), saying: [.haveAll]) }
        bench.wait(.seconds(120))
        #expect(bench.swarm.snapshot.peersDisplaced == 0)
    }

    // MARK: Attempts

    /// 5,000 ports of one host, or of one network; an honest peer beside.
    @Test(arguments: [false, true], [PeerSource.dht, .exchange, .tracker])
    func aVictimThatIsNamedIsCalledAFewTimesAMinute(isNetwork: Bool, source: PeerSource) throws {
        var bench = try SwarmBench(isComplete: false) {
            $0.connects.countsHosts = true
            $0.bansHosts = true
        }
        let named = (0..<5_000).map { number in
            Endpoint.v4(20, 0, 0, isNetwork ? UInt8(number % 250) : 1, port: UInt16(1_024 + number))
        }
        var attempts: [Endpoint: Int] = [:]
        let count = { (bench: SwarmBench) in
            for case .connect(_, let endpoint) in bench.outbox.actions { attempts[endpoint.prefix, default: 0] += 1 }
        }
        bench.tell { $0.peersFound(named, source: source, by: .v4(7, 7, 7, 7, port: 1), now: $2, into: &$1) }
        count(bench)
        bench.tell { $0.peersFound([honest], source: .dht, by: .v4(8, 8, 8, 8, port: 1), now: $2, into: &$1) }
        count(bench)
        #expect(attempts[honest.prefix] == 1)
        for _ in 0..<60 {
            bench.wait(.milliseconds(500))
            count(bench)
        }
        // In half a minute: the burst, and what has come back since.
        #expect((1...(isNetwork ? 32 + 16 : 6 + 4)).contains(attempts[named[0].prefix] ?? 0))
    }

    /// In a private network, where many peers share an address; a peer of another address is called at once.
    @Test(arguments: [true, false])
    func aVictimOfAPrivateNetworkIsCalledSomeTimesOnly(receives: Bool) throws {
        var bench = try SwarmBench(pieces: 100, isComplete: false, isSequential: true)
        let giver = bench.call(from: .v4(98, 1, 1, 1, port: 6881), saying: [.haveAll, .unchoke])
        let named = (0..<600).map { Endpoint.v4(127, 0, 0, 1, port: UInt16(1_024 + $0)) }
        bench.tell { $0.peersFound(named, source: .exchange, by: .v4(7, 7, 7, 7, port: 1), now: $2, into: &$1) }
        var pending = calls(bench)
        bench.tell { $0.peersFound([honest], source: .dht, by: .v4(8, 8, 8, 8, port: 1), now: $2, into: &$1) }
        #expect(calls(bench).map(\.1) == [honest])
        var attempts = 0
        var owed = (0..<100).map { BlockRequest(piece: $0, offset: 0, length: SwarmBench.blockLength) }
        for _ in 0..<60 {
            while let (handle, _) = pending.popLast() {
                attempts += 1
                bench.tell { $0.connectFailed(handle, now: $2, into: &$1) }
                pending += calls(bench)
            }
            if receives { bench.give(owed.removeFirst(), from: giver) }
            bench.wait(.milliseconds(500))
            pending += calls(bench)
        }
        // In half a minute: the burst but for what is left for other namers, and two a second.
        #expect(receives ? (60...100).contains(attempts) : attempts >= 600)
    }

    /// A peer names dead ports of the honest seed's host first; another one, or a tracker, names the seed.
    @Test(arguments: [PeerSource.dht, .exchange, .tracker])
    func deadPortsOfAHostDoNotKeepUsFromALiveOne(source: PeerSource) throws {
        var bench = try SwarmBench(isComplete: false) { $0.connects.countsHosts = true }
        let dead = (0..<2_000).map { Endpoint.v4(99, 1, 1, 1, port: UInt16(10_000 + $0)) }
        bench.tell { $0.peersFound(dead, source: .exchange, by: .v4(7, 7, 7, 7, port: 1), now: $2, into: &$1) }
        let first = calls(bench).count
        bench.wait(.seconds(3))
        #expect(first + calls(bench).count <= 3)
        bench.tell { $0.peersFound([honest], source: source, by: .v4(8, 8, 8, 8, port: 1), now: $2, into: &$1) }
        #expect(calls(bench).map(\.1) == [honest])
    }

    @Test(arguments: [true, false])
    func allPeersBehindOneAddressAreReachedIfTheyAnswer(countsHosts: Bool) throws {
        var bench = try SwarmBench(isComplete: false) { $0.connects.countsHosts = countsHosts }
        var generator = SeededGenerator(number: 9)
        let named = (0..<60).map { Endpoint.v4(20, 0, 0, 1, port: UInt16(2_000 + $0)) }
        var pending: [(PeerHandle, Endpoint)] = []
        var reached: Set<Endpoint> = []
        bench.tell { $0.peersFound(named, source: .tracker, now: $2, into: &$1) }
        pending += calls(bench)
        while bench.now < .origin + .seconds(10) {
            while let (handle, endpoint) = pending.popLast() {
                bench.tell { $0.connected(handle, now: $2, into: &$1) }
                bench.say(handle, handshake(of: bench, using: &generator))
                reached.insert(endpoint)
                pending += calls(bench)
            }
            bench.wait(.milliseconds(500))
            pending += calls(bench)
        }
        #expect(reached.count == 60)
    }

    @Test func aHostThatComesAndGoesWithoutUseHasToWait() throws {
        var bench = try SwarmBench(isComplete: true) { $0.connects.countsHosts = true }
        let stormy = { (number: Int) in Endpoint.v4(20, 0, 0, 1, port: UInt16(2_000 + number)) }
        for number in 0..<100 {
            let peer = bench.call(from: stormy(number), saying: [.haveNone])
            bench.tell { $0.disconnected(peer, now: $2, into: &$1) }
        }
        #expect(bench.closed.count == 70)
        #expect(bench.swarm.connectLimits.returnsRefusedCount == 70)
        let caller = bench.call(from: honest, saying: [.haveNone])
        #expect(!bench.closed.contains(caller))
        bench.wait(.seconds(10))
        let again = bench.call(from: stormy(200), saying: [.haveNone])
        #expect(!bench.closed.contains(again))
    }

    // MARK: Two connections to one peer

    /// A neighbour on the address of the seed says the same peer id; whose id is smaller decides between two clients
    /// that have called each other.
    @Test(arguments: ["-AA0000-", "-TT0000-"], [true, false])
    func aCopiedPeerIDCostsTheSeedNothing(prefix: String, givesBefore: Bool) throws {
        var bench = try SwarmBench(pieces: 40, isComplete: false)
        var generator = SeededGenerator(number: 9)
        let peerID = PeerID(prefix: prefix, using: &generator)
        var said: [UInt8] = []
        Handshake(capabilities: .fast, infoHash: bench.info.infoHash, peerID: peerID).encode(into: &said)
        bench.tell { $0.peersFound([honest], source: .tracker, now: $2, into: &$1) }
        var seed = try #require(calls(bench).first?.0)
        bench.tell { $0.connected(seed, now: $2, into: &$1) }
        bench.say(seed, said)
        bench.say(seed, [.haveAll, .unchoke])
        var asked = bench.requests(to: seed)
        if givesBefore { bench.deliver(try #require(asked.first).piece, from: seed) }
        var copy = honest
        copy.port = 7_000
        let twin = bench.call(from: copy, as: peerID)
        #expect(!givesBefore || bench.closed == [twin])
        // Where the seed has lost, it is called again; then both stay until one of them gives.
        while bench.now < .origin + .seconds(20) {
            bench.wait(.milliseconds(500))
            for (handle, _) in calls(bench) {
                seed = handle
                bench.tell { $0.connected(seed, now: $2, into: &$1) }
                bench.say(seed, said)
                bench.say(seed, [.haveAll, .unchoke])
                asked = bench.requests(to: seed)
            }
        }
        #expect(!bench.closed.contains(seed))
        if !givesBefore { bench.give(try #require(asked.first), from: seed) }
        #expect(!bench.closed.contains(seed) && bench.closed.contains(twin))
    }

    /// A neighbour with the copied id is there first, called by us or not, and the seed is found a little later.
    @Test(arguments: [true, false], [1.0, 5.0])
    func aCopyThatIsThereFirstDoesNotKeepTheSeedOut(isOurCall: Bool, seconds: Double) throws {
        var bench = try SwarmBench(pieces: 40, isComplete: false)
        var generator = SeededGenerator(number: 9)
        let peerID = PeerID(prefix: "-TT0000-", using: &generator)
        var said: [UInt8] = []
        Handshake(capabilities: .fast, infoHash: bench.info.infoHash, peerID: peerID).encode(into: &said)
        var copy = honest
        copy.port = 7_000
        let connect = { (bench: inout SwarmBench, endpoint: Endpoint) throws -> PeerHandle in
            bench.tell { $0.peersFound([endpoint], source: .tracker, now: $2, into: &$1) }
            let handle = try #require(calls(bench).first?.0)
            bench.tell { $0.connected(handle, now: $2, into: &$1) }
            bench.say(handle, said)
            bench.say(handle, [.haveAll, .unchoke])
            return handle
        }
        let twin = isOurCall ? try connect(&bench, copy) : bench.call(from: copy, as: peerID, saying: [.haveAll])
        bench.wait(.seconds(seconds))
        let seed = try connect(&bench, honest)
        // Two that have just called each other drop one of the connections, whichever it is.
        guard isOurCall || seconds > 2 else { return #expect([[seed], [twin]].contains(bench.closed)) }
        #expect(!bench.closed.contains(seed))
        for block in bench.requests(to: seed).prefix(2) { bench.give(block, from: seed) }
        #expect(!bench.closed.contains(seed) && bench.closed == [twin])
    }
}
