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
        for port in 1...10 as ClosedRange<UInt16> {
            let peer = Endpoint.v4(44, 1, 1, 1, port: port)
            let outcome = store.announce(
                infoHash, peer: peer, now: .origin + .seconds(Int(port)), using: &generator)
            #expect(outcome == .added)
        }
        let ports = Set(read(store, infoHash).map(\.port))
        #expect(ports == Set(3...10), "the latest eight")
        #expect(store.evictedPeerCount == 2)
    }

    /// What a flood of fakes consists of.
    enum Crowd: CaseIterable {
        case oneSubnet64, oneSubnet48, oneHost, portsOfOneSubnet24, hundredSubnets24

        func peer(_ number: Int) -> Endpoint {
            let (word, port) = (UInt64(number), UInt16(2000 + number % 50_000))
            return switch self {
            case .oneSubnet64: .v6(EndpointV6(high: 0x2A0B_1234 << 32, low: word + 1, port: port))
            case .oneSubnet48: .v6(EndpointV6(high: 0x2A0B_1234 << 32 | word % 0x1_0000, low: word, port: port))
            case .oneHost: .v4(60, 1, 2, 3, port: port)
            case .portsOfOneSubnet24: .v4(60, 1, 2, UInt8(number % 250), port: port)
            case .hundredSubnets24: .v4(60, 1, UInt8(number % 100), UInt8(number / 100 % 250), port: port)
            }
        }

        /// A peer of a network and provider of its own, of the family of the crowd.
        func honest(_ number: Int) -> Endpoint {
            switch self {
            case .oneSubnet64, .oneSubnet48:
                .v6(EndpointV6(high: UInt64(0x2A01_0000 + number) << 32, low: 1, port: 6881))
            case .oneHost, .portsOfOneSubnet24, .hundredSubnets24: .v4(UInt8(70 + number), 1, 1, 1, port: 6881)
            }
        }
    }

    @Test(arguments: Crowd.allCases, [2500, 10_000])
    mutating func fakesOfFewNetworksDisplaceNoLonePeer(crowd: Crowd, fakes: Int) {
        var store = PeerStore(configuration: configuration { $0.networkMode = .public })
        let honest = (0..<20).map(crowd.honest)
        for peer in honest { _ = store.announce(infoHash, peer: peer, now: .origin, using: &generator) }
        for number in 0..<fakes {
            let time = Instant.origin + .seconds(1 + number / 10)
            _ = store.announce(infoHash, peer: crowd.peer(number), now: time, using: &generator)
        }
        let family = honest[0].family
        let all = Set(read(store, infoHash, family, after: .seconds(1100)))
        #expect(all.isSuperset(of: honest), "\(all.intersection(honest).count) of 20 are left")
        // An answer of 50 peers has all that are alone in their network, unless there are more than 50 of those.
        let answer = Set(read(store, infoHash, family, upTo: 50, after: .seconds(1100)))
        let wanted = crowd == .hundredSubnets24 || crowd == .oneSubnet48 ? 1 : 20
        #expect(answer.count == min(50, all.count) && answer.intersection(honest).count >= wanted)
        #expect(store.peerCount(of: infoHash, family: family) <= 500)
    }

    /// Whoever has an address in every network can displace others, but no more than its number allows: announcing
    /// again and again wins nothing.
    @Test mutating func lonePeersAreDisplacedOnlyInProportion() {
        var store = PeerStore(
            configuration: configuration {
                $0.networkMode = .public
                $0.limits.peersPerInfoHash = 100
            })
        let peer = { (number: Int) in Endpoint.v4(UInt8(60 + number % 100), UInt8(number / 100), 1, 1, port: 6881) }
        let (honest, fakes) = ((0..<50).map(peer), (50..<200).map(peer))
        for peer in honest { _ = store.announce(infoHash, peer: peer, now: .origin, using: &generator) }
        for round in 0..<50 {
            for peer in fakes {
                let time = Instant.origin + .seconds(round)
                _ = store.announce(infoHash, peer: peer, now: time, using: &generator)
            }
        }
        let left = Set(read(store, infoHash)).intersection(honest).count
        #expect((10...40).contains(left), "\(left) of 50: half of all 200 find room")
    }

    @Test mutating func aNetworkThatFloodsInfoHashesDisplacesItsOwn() {
        for isPublic in [false, true] {
            var store = PeerStore(
                configuration: configuration {
                    $0.networkMode = isPublic ? .public : .private
                    $0.limits.infoHashCount = 300
                })
            let honest = (0..<200).map { InfoHash(high: UInt64($0), middle: 1, low: 0) }
            for (number, infoHash) in honest.enumerated() {
                let peer = Endpoint.v4(70, UInt8(number), 1, 1, port: 6881)
                _ = store.announce(infoHash, peer: peer, now: .origin, using: &generator)
            }
            for number in 0..<5000 {
                let infoHash = InfoHash(high: UInt64(number), middle: 2, low: 0)
                let peer = Endpoint.v4(60, 1, UInt8(number % 3), UInt8(number % 250), port: 6881)
                #expect(store.announce(infoHash, peer: peer, now: .origin, using: &generator) == .added)
            }
            #expect(store.infoHashCount == 300)
            #expect(honest.allSatisfy { store.peerCount(of: $0, family: .v4) == 1 })
        }
    }

    /// The attacker announces the infohash before all others, so that it is charged to the attacker; then floods.
    @Test mutating func theFirstAnnouncerCannotTakeAnInfoHashAlong() {
        var store = PeerStore(
            configuration: configuration {
                $0.networkMode = .public
                $0.limits.infoHashCount = 300
            })
        _ = store.announce(infoHash, peer: .v4(60, 1, 1, 1, port: 6881), now: .origin, using: &generator)
        let honest = (0..<20).map { Endpoint.v4(UInt8(70 + $0), 1, 1, 1, port: 6881) }
        for peer in honest { _ = store.announce(infoHash, peer: peer, now: .origin, using: &generator) }
        for number in 0..<5000 {
            let fake = InfoHash(high: UInt64(number), middle: 2, low: 0)
            let peer = Endpoint.v4(60, 1, UInt8(number % 7), UInt8(number % 250), port: 6881)
            _ = store.announce(fake, peer: peer, now: .origin, using: &generator)
        }
        let all = Set(read(store, infoHash))
        #expect(all.isSuperset(of: honest))
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
