import PeerProtocol
import Primitives
import Swarm
import Testing

@Suite struct CandidateQueueTests {
    private let endpoints = (1...10).map { Endpoint.v4(1, 2, 3, UInt8($0), port: 6881) }

    @Test func freshOnesComeInOrderAndOnce() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        for endpoint in endpoints + endpoints { _ = queue.found(endpoint, now: .origin) }
        #expect(queue.knownCount == 10)
        for endpoint in endpoints { #expect(queue.next(now: .origin) == endpoint) }
        #expect(queue.next(now: .origin) == nil)
    }

    @Test func failedOnesComeBackAfterADelayThatDoublesUntilGivenUp() {
        let configuration = Swarm.Configuration()
        var queue = CandidateQueue(configuration: configuration)
        #expect(queue.found(endpoints[0], now: .origin) == true)
        var now = Instant.origin
        var delay = configuration.reconnectDelay
        for attempt in 1...configuration.connectAttemptsMax {
            #expect(queue.next(now: now) == endpoints[0])
            queue.failed(endpoints[0], now: now)
            guard attempt < configuration.connectAttemptsMax else { break }
            #expect(queue.nextRetry == now + delay)
            #expect(queue.next(now: now + delay - .nanoseconds(1)) == nil)
            now = now + delay
            delay = delay * 2
        }
        #expect(queue.nextRetry == nil)
        #expect(queue.found(endpoints[0], now: .origin) == false)
        #expect(queue.next(now: now) == endpoints[0])
    }

    @Test func whenOurOwnLinkIsBackAllAreTriedAtOnce() throws {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        for endpoint in endpoints.prefix(3) { _ = queue.found(endpoint, now: .origin) }
        let first = queue.next(now: .origin)
        let liar = try #require(first)
        queue.ban(liar, now: .origin)
        let failing = [queue.next(now: .origin), queue.next(now: .origin)].compactMap(\.self)
        for endpoint in failing { queue.failed(endpoint, now: .origin) }
        var now = Instant.origin
        while let retry = queue.nextRetry {
            now = max(now, retry)
            while let endpoint = queue.next(now: now) { queue.failed(endpoint, now: now) }
        }
        queue.networkReturned(now: now)
        #expect(Set([queue.next(now: now), queue.next(now: now)]) == Set(failing))
        #expect(Set(failing + [liar]) == Set(endpoints.prefix(3)))
        #expect(queue.next(now: now) == nil)
    }

    @Test func aBannedEndpointIsRefusedUntilItsTimeIsOver() {
        let configuration = Swarm.Configuration()
        var queue = CandidateQueue(configuration: configuration)
        _ = queue.found(endpoints[0], now: .origin)
        _ = queue.next(now: .origin)
        queue.ban(endpoints[0], now: .origin)
        let end = Instant.origin + configuration.banTime
        #expect(queue.isBanned(endpoints[0], now: end - .nanoseconds(1)))
        #expect(queue.found(endpoints[0], now: .origin) == false)
        #expect(queue.next(now: end - .nanoseconds(1)) == nil)
        #expect(queue.bannedCount == 1)
        // The next to name it makes it a candidate again.
        #expect(!queue.isBanned(endpoints[0], now: end))
        _ = queue.found(endpoints[0], now: end)
        #expect(queue.next(now: end) == endpoints[0])
    }

    /// Other ports of the address may be of honest peers.
    @Test func anEndpointBesideALiarIsCalledOnceTheBanIsOver() {
        var configuration = Swarm.Configuration()
        configuration.bansHosts = true
        var queue = CandidateQueue(configuration: configuration)
        let neighbour = Endpoint.v4(1, 2, 3, 1, port: 7000)
        _ = queue.found(neighbour, now: .origin)
        queue.ban(endpoints[0], now: .origin)
        #expect(queue.next(now: .origin) == nil)
        let end = Instant.origin + configuration.banTime
        _ = queue.found(neighbour, now: end)
        #expect(queue.next(now: end) == neighbour)
    }

    /// A host of IPv6 takes any address of its /64.
    @Test func aLiarOfIPv6IsRefusedAtItsWholeNetwork() {
        var configuration = Swarm.Configuration()
        configuration.bansHosts = true
        var queue = CandidateQueue(configuration: configuration)
        let high: UInt64 = 0x2A00_0001_0002_0003
        queue.ban(.v6(EndpointV6(high: high, low: 1, port: 1)), now: .origin)
        #expect(queue.isBanned(.v6(EndpointV6(high: high, low: 2, port: 2)), now: .origin))
        #expect(!queue.isBanned(.v6(EndpointV6(high: high + 1, low: 1, port: 1)), now: .origin))
    }

    @Test func theHostOfALiarIsRefusedOnlyWhereHostsHaveAddressesOfTheirOwn() {
        let neighbour = Endpoint.v4(1, 2, 3, 1, port: 7000)
        for bansHosts in [true, false] {
            var configuration = Swarm.Configuration()
            configuration.bansHosts = bansHosts
            var queue = CandidateQueue(configuration: configuration)
            queue.ban(endpoints[0], now: .origin)
            #expect(queue.isBanned(neighbour, now: .origin) == bansHosts)
            #expect(!queue.isBanned(endpoints[1], now: .origin))
            queue.isOurselves(endpoints[2], now: .origin)
            let sibling = Endpoint.v4(1, 2, 3, 3, port: 7000)
            #expect(queue.isBanned(endpoints[2], now: .origin) && !queue.isBanned(sibling, now: .origin))
            #expect(queue.bannedCount == 1)
        }
    }

    @Test func theListOfBansIsBoundedAndOneNetworkCannotEmptyIt() {
        var configuration = Swarm.Configuration()
        configuration.bansMax = 4
        configuration.bansHosts = true
        var queue = CandidateQueue(configuration: configuration)
        let liar = Endpoint.v4(9, 9, 9, 9, port: 6881)
        queue.ban(liar, now: .origin)
        for endpoint in endpoints { queue.ban(endpoint, now: .origin) }
        #expect(queue.isBanned(liar, now: .origin))
        #expect(endpoints.filter { queue.isBanned($0, now: .origin) } == Array(endpoints.suffix(3)))
    }

    @Test func anEndpointThatBrokeTheProtocolWaitsLongerAndIsNotBanned() {
        let configuration = Swarm.Configuration()
        var queue = CandidateQueue(configuration: configuration)
        _ = queue.found(endpoints[0], now: .origin)
        _ = queue.next(now: .origin)
        queue.misbehaved(endpoints[0], now: .origin)
        #expect(!queue.isBanned(endpoints[0], now: .origin))
        #expect(queue.nextRetry == .origin + configuration.distrustDelay)
    }

    @Test func theNumberIsBounded() {
        var configuration = Swarm.Configuration()
        configuration.candidatesMax = 3
        var queue = CandidateQueue(configuration: configuration)
        #expect(endpoints.filter { queue.found($0, now: .origin) }.count == 3)
        #expect(queue.refusedCount == 7)
        #expect(queue.found(Endpoint.v4(9, 9, 9, 9, port: 0), now: .origin) == false)
    }

    @Test func theCanonicalOrderCountsOnceOurAddressIsKnown() throws {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        let peers = (1...10).map { Endpoint.v4(UInt8($0 * 20), 2, 3, 4, port: 6881) }
        for peer in peers.prefix(5) { _ = queue.found(peer, now: .origin) }
        #expect(queue.priority(of: peers[0]) == nil)
        queue.weAre(.v4(123, 213, 32, 10, port: 6881))
        for peer in peers.suffix(5) { _ = queue.found(peer, now: .origin) }
        let order = (0..<10).compactMap { _ in queue.next(now: .origin) }
        let priorities = order.compactMap { queue.priority(of: $0)?.rawValue }
        #expect(Set(order) == Set(peers))
        #expect(priorities.count == 10 && priorities == priorities.sorted(by: >))
    }

    // MARK: Sources

    @Test func theSourcesTakeTurnsAndAFloodOfOneDelaysTheOthersByAsManyCalls() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        for number in 0..<4_000 {
            _ = queue.found(flooded(number), .isReachable, source: .exchange, by: endpoints[0], now: .origin)
        }
        let honest: [(Endpoint, PeerSource)] = [
            (endpoints[1], .tracker), (endpoints[2], .dht), (endpoints[3], .user), (endpoints[4], .lsd),
        ]
        for (endpoint, source) in honest { _ = queue.found(endpoint, source: source, now: .origin) }
        let first = (0..<5).compactMap { _ in queue.next(now: .origin) }
        #expect(Set(first).isSuperset(of: honest.map(\.0)))
    }

    @Test func thePeersThatNameOthersTakeTurns() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        for number in 0..<2_000 { _ = queue.found(flooded(number), source: .exchange, by: endpoints[0], now: .origin) }
        _ = queue.found(endpoints[2], source: .exchange, by: .v4(7, 7, 7, 7, port: 1), now: .origin)
        #expect((0..<2).compactMap { _ in queue.next(now: .origin) }.contains(endpoints[2]))
    }

    @Test func withinOneNamerThoseThatItReachedComeFirst() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        let namer = endpoints[0]
        for endpoint in endpoints[1...4] { _ = queue.found(endpoint, source: .exchange, by: namer, now: .origin) }
        for endpoint in endpoints[5...8] {
            _ = queue.found(endpoint, .isReachable, source: .exchange, by: namer, now: .origin)
        }
        let order = (0..<8).compactMap { _ in queue.next(now: .origin) }
        #expect(order == Array(endpoints[5...8] + endpoints[1...4]))
    }

    @Test(arguments: [PeerSource.user, .magnet, .tracker, .dht, .lsd, .exchange])
    func aFullListTakesWhatOtherSourcesName(source: PeerSource) {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        let countMax = Swarm.Configuration().candidatesMax
        for number in 0..<countMax + 200 {
            _ = queue.found(flooded(number), source: .exchange, by: endpoints[0], now: .origin)
        }
        #expect(queue.knownCount == countMax && queue.refusedCount == 200)
        #expect(queue.found(endpoints[5], source: source, by: .v4(7, 7, 7, 7, port: 1), now: .origin) == true)
        #expect(queue.knownCount == countMax && queue.displacedCount == 1)
        #expect((0..<10).compactMap { _ in queue.next(now: .origin) }.contains(endpoints[5]))
    }

    @Test func aSecondFloodGetsItsShareAndNoMore() {
        var configuration = Swarm.Configuration()
        configuration.candidatesMax = 300
        var queue = CandidateQueue(configuration: configuration)
        for number in 0..<150 { _ = queue.found(flooded(number), source: .tracker, by: endpoints[0], now: .origin) }
        for number in 150..<1_000 {
            _ = queue.found(flooded(number), source: .exchange, by: endpoints[1], now: .origin)
        }
        let left = (0..<150).count { !queue.found(flooded($0), source: .tracker, by: endpoints[0], now: .origin) }
        #expect(left == 150)
    }

    @Test func whatABetterSourceNamesCountsForThatSource() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        for number in 0..<1_000 { _ = queue.found(flooded(number), source: .exchange, by: endpoints[0], now: .origin) }
        // The flood names an honest peer too, as its last one.
        _ = queue.found(endpoints[5], source: .exchange, by: endpoints[0], now: .origin)
        #expect(queue.found(endpoints[5], source: .tracker, now: .origin) == false)
        #expect((0..<2).compactMap { _ in queue.next(now: .origin) }.contains(endpoints[5]))
        #expect(queue.freshCount == 999)
    }

    @Test func aRetryIsNotKeptOutByAFlood() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        _ = queue.found(endpoints[5], source: .tracker, now: .origin)
        #expect(queue.next(now: .origin) == endpoints[5])
        queue.failed(endpoints[5], now: .origin)
        for number in 0..<1_000 { _ = queue.found(flooded(number), source: .exchange, by: endpoints[0], now: .origin) }
        let later = Instant.origin + Swarm.Configuration().reconnectDelay
        #expect((0..<2).compactMap { _ in queue.next(now: later) }.contains(endpoints[5]))
    }

    @Test func theOtherPortsOfAHostThatNeverAnswersComeLater() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        let victim = (1...200).map { Endpoint.v4(20, 0, 0, 1, port: UInt16($0)) }
        for endpoint in victim + [.v4(20, 0, 0, 2, port: 6881)] {
            _ = queue.found(endpoint, source: .dht, by: endpoints[0], now: .origin)
        }
        var calls = 0
        while let endpoint = queue.next(now: .origin) {
            calls += 1
            guard endpoint.host == victim[0].host else { break }
            queue.failed(endpoint, now: .origin)
        }
        #expect(calls == 4)
    }

    @Test func entriesThatNoLongerCountTakeNoRoom() {
        var configuration = Swarm.Configuration()
        configuration.candidatesMax = 50
        var queue = CandidateQueue(configuration: configuration)
        for number in 0..<5_000 {
            let namer = Endpoint.v4(30, UInt8(number >> 8 & 255), UInt8(number & 255), 1, port: 1)
            _ = queue.found(flooded(number), source: .exchange, by: namer, now: .origin)
            _ = queue.found(flooded(number), source: .tracker, by: namer, now: .origin)
        }
        #expect(queue.knownCount == 50 && queue.freshCount == 50)
        #expect((0..<100).compactMap { _ in queue.next(now: .origin) }.count == 50)
        #expect(queue.freshCount == 0)
    }

    private func flooded(_ number: Int) -> Endpoint {
        .v4(40, UInt8(number >> 8), UInt8(number & 255), 9, port: 6881)
    }

    @Test func aSeedCallsNoSeedsUnlessTheyAreNamedAsSomethingElse() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        _ = queue.found(endpoints[0], .isSeed, now: .origin)
        _ = queue.found(endpoints[1], now: .origin)
        #expect(queue.next(isSeed: true, now: .origin) == endpoints[1])
        #expect(queue.next(isSeed: true, now: .origin) == nil)
        // Named again, it is a candidate again: for a downloader.
        #expect(queue.found(endpoints[0], .isSeed, now: .origin) == false)
        #expect(queue.next(isSeed: true, now: .origin) == nil)
        #expect(queue.found(endpoints[0], now: .origin) == false)
        #expect(queue.next(isSeed: false, now: .origin) == endpoints[0])
    }

    @Test func theClaimThatItIsASeedEndsWhenSomebodyElseNamesIt() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        _ = queue.found(endpoints[0], [.isSeed, .prefersEncryption], now: .origin)
        #expect(queue.next(isSeed: true, now: .origin) == nil)
        #expect(queue.found(endpoints[0], now: .origin) == false)
        #expect(queue.next(isSeed: true, now: .origin) == endpoints[0])
        #expect(queue.opening(of: endpoints[0]) == .encrypted)
        // What we have seen ourselves stays.
        queue.shelved(endpoints[0], isSeed: true)
        _ = queue.found(endpoints[0], now: .origin)
        #expect(queue.next(isSeed: true, now: .origin) == nil)
    }

    @Test func whoPrefersEncryptionIsCalledThatWayFirst() {
        var queue = CandidateQueue(configuration: Swarm.Configuration())
        _ = queue.found(endpoints[0], .prefersEncryption, now: .origin)
        _ = queue.found(endpoints[1], now: .origin)
        #expect(queue.opening(of: endpoints[0]) == .encrypted && queue.opening(of: endpoints[1]) == .plaintext)
        #expect(queue.next(now: .origin) == endpoints[0])
        #expect(queue.opensOtherwise(endpoints[0], now: .origin) && queue.opening(of: endpoints[0]) == .plaintext)
    }
}
