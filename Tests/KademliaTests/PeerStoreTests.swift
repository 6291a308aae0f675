import Kademlia
import Primitives
import Testing

@Suite struct PeerStoreTests {
    private var generator = SeededGenerator(number: 1)
    private let infoHash = ID160(high: 1, middle: 2, low: 3)

    private func configuration(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
        var configuration = Configuration.init()
        configuration.networkMode = .private
        change(&configuration)
        return configuration
    }

    private func peer(_ number: Int) -> Endpoint {
        .v4(EndpointV4(address: 0x2C00_0000 + UInt32(number), port: UInt16(1 + number % 60_000)))
    }

    private mutating func read(
        _ store: PeerStore, _ infoHash: InfoHash, _ family: Endpoint.Family = .v4, upTo count: Int = .max,
        after age: Duration = .zero
    ) -> [Endpoint] {
        var peers: [Endpoint] = []
        store.appendPeers(
            of: infoHash, family: family, upTo: count, now: .origin + age, using: &generator, to: &peers)
        return peers
    }

    @Test mutating func familiesAreKeptApart() {
        var store = PeerStore(configuration: configuration())
        let v6 = Endpoint.v6(EndpointV6(high: 0x2A00 << 48, low: 1, port: 2))
        #expect(store.announce(infoHash, peer: peer(1), now: .origin, using: &generator) == .added)
        #expect(store.announce(infoHash, peer: v6, now: .origin, using: &generator) == .added)
        #expect(read(store, infoHash, .v4) == [peer(1)])
        #expect(read(store, infoHash, .v6) == [v6])
        #expect(store.peerCount == 2)
    }

    @Test mutating func anAnnounceIsForgottenAfterItsLifetimeUnlessRenewed() {
        var store = PeerStore(configuration: configuration())
        for number in 1...2 {
            #expect(store.announce(infoHash, peer: peer(number), now: .origin, using: &generator) == .added)
        }
        let later = Duration.seconds(20 * 60)
        #expect(store.announce(infoHash, peer: peer(1), now: .origin + later, using: &generator) == .renewed)
        #expect(read(store, infoHash, after: .seconds(44 * 60)).count == 2)
        #expect(read(store, infoHash, after: .seconds(46 * 60)) == [peer(1)])
        store.sweep(1, now: .origin + .seconds(46 * 60))
        #expect(store.peerCount == 1)
        store.sweep(1, now: .origin + .seconds(66 * 60))
        #expect(store.peerCount == 0 && store.infoHashCount == 0)
    }

    @Test mutating func fullInfoHashesMakeRoomForNewOnes() {
        var store = PeerStore(configuration: configuration { $0.limits.infoHashCount = 50 })
        for number in 0..<500 {
            let infoHash = InfoHash(high: UInt64(number), middle: 0, low: 0)
            #expect(store.announce(infoHash, peer: peer(1), now: .origin, using: &generator) == .added)
            #expect(read(store, infoHash) == [peer(1)])
        }
        #expect(store.infoHashCount == 50 && store.peerCount == 50)
        #expect(store.evictedInfoHashCount == 450)
    }

    @Test mutating func aFloodOfPoorInfoHashesLeavesTheRichOnes() {
        var store = PeerStore(configuration: configuration { $0.limits.infoHashCount = 100 })
        let rich = (0..<10).map { InfoHash(high: UInt64($0), middle: 1, low: 0) }
        for infoHash in rich {
            for number in 0..<20 { _ = store.announce(infoHash, peer: peer(number), now: .origin, using: &generator) }
        }
        for number in 0..<10_000 {
            let infoHash = InfoHash(high: UInt64(number), middle: 2, low: 0)
            _ = store.announce(infoHash, peer: peer(1), now: .origin, using: &generator)
        }
        let survivors = rich.filter { store.peerCount(of: $0, family: .v4) == 20 }
        #expect(survivors.count >= 9)
    }

    @Test mutating func fullPeersMakeRoomForNewOnes() {
        var store = PeerStore(configuration: configuration { $0.limits.peersPerInfoHash = 100 })
        for number in 0..<1000 {
            #expect(store.announce(infoHash, peer: peer(number), now: .origin, using: &generator) == .added)
        }
        #expect(store.peerCount == 100)
        #expect(store.evictedPeerCount == 900)
        // Random replacement: about a tenth of each hundred is left, and of the first not nothing at all.
        #expect(read(store, infoHash).contains(peer(999)))
    }

    @Test mutating func oneAddressHasAShareOfAnInfoHashInPublicMode() {
        var store = PeerStore(configuration: configuration { $0.networkMode = .public })
        var outcomes: [PeerStore.Outcome] = []
        for port in 1...10 {
            let peer = Endpoint.v4(44, 1, 1, 1, port: UInt16(port))
            outcomes.append(store.announce(infoHash, peer: peer, now: .origin, using: &generator))
        }
        #expect(outcomes == Array(repeating: .added, count: 8) + [.refused, .refused])
    }

    @Test(arguments: [(1, 5), (10, 3), (48, 50), (97, 20), (500, 50)])
    mutating func samplesHaveNoDuplicatesAndAreFair(count: Int, limit: Int) {
        var store = PeerStore(configuration: configuration())
        for number in 0..<count { _ = store.announce(infoHash, peer: peer(number), now: .origin, using: &generator) }
        var seen: [Endpoint: Int] = [:]
        let rounds = 1500
        var isWhole = true
        for _ in 0..<rounds {
            let sample = read(store, infoHash, upTo: limit)
            isWhole = isWhole && sample.count == min(limit, count) && Set(sample).count == sample.count
            for peer in sample { seen[peer, default: 0] += 1 }
        }
        #expect(isWhole)
        let expected = Double(rounds) * Double(min(limit, count)) / Double(count)
        #expect(seen.count == count)
        #expect(seen.values.allSatisfy { abs(Double($0) - expected) < 6 * expected.squareRoot() + 1 })
    }
}
