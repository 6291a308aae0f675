import KRPC
import Primitives
import Testing

@testable import Kademlia

/// The machine alone: facts in, steps out.
@Suite struct LookupTests {
    private let target = ID160.zero
    private let now = Instant.origin

    /// A contact at the given distance from the target; the addresses are scattered.
    private func contact(_ distance: UInt32) -> Contact {
        Contact(
            id: NodeID(high: 0, middle: 0, low: distance),
            endpoint: .v4(EndpointV4(address: 0x1800_0000 + (distance &* 0x13C6_EF37) & 0x1FFF_FFFF, port: 6881)))
    }

    private func lookup(
        _ distances: some Sequence<Int>, announces: Bool = false, _ search: SearchRules = SearchRules()
    ) -> Lookup {
        let ownID = NodeID(high: ~0, middle: 0, low: 0)
        var configuration = Configuration()
        configuration.search = search
        let rules = LookupRules(configuration, announces: announces)
        var lookup = Lookup(target: target, ownID: ownID, rules: rules, now: now)
        for distance in distances { _ = lookup.offer(contact(UInt32(distance))) }
        return lookup
    }

    /// All steps there are now, as the distances of those asked.
    private func asked(_ lookup: inout Lookup, at now: Instant = .origin) -> [UInt32] {
        steps(&lookup, at: now).compactMap { step in
            if case .ask(_, _, let id) = step { return id?.low }
            return nil
        }
    }

    private func steps(_ lookup: inout Lookup, at now: Instant = .origin) -> [Lookup.Step] {
        var steps: [Lookup.Step] = []
        while let step = lookup.next(now: now) { steps.append(step) }
        return steps
    }

    private func answer(_ lookup: inout Lookup, _ index: Int, _ distance: UInt32, token: [UInt8] = []) {
        lookup.answered(.candidate(index), by: contact(distance), token: token)
    }

    @Test func theNearestFiveAreAskedFirst() {
        var lookup = lookup([90, 10, 50, 30, 70, 20, 40])
        #expect(asked(&lookup) == [10, 20, 30, 40, 50])
    }

    @Test func theFastestOfTheNeighbourhoodIsAskedFirst() {
        for (rules, expected) in [(SearchRules(), UInt32(60)), (.libtorrentLike, 10)] {
            var configuration = Configuration()
            configuration.search = rules
            let inSmallNetwork = LookupRules(configuration, announces: false, networkSize: 8)
            var lookup = Lookup(
                target: target, ownID: NodeID(high: ~0, middle: 0, low: 0), rules: inSmallNetwork, now: now)
            // The ninth is faster still, but is none of the nearest.
            for (distance, milliseconds) in [
                (10, 200), (20, 180), (30, 160), (40, 140), (50, 120), (60, 20), (70, 90), (80, 80), (90, 5),
            ] {
                _ = lookup.offer(contact(UInt32(distance)), .proven, roundTrip: .milliseconds(milliseconds))
            }
            #expect(asked(&lookup).first == expected)
        }
    }

    @Test func aNearerCandidateIsAskedAsSoonAsAPlaceIsFree() {
        var lookup = lookup([10, 20, 30, 40, 50, 60], .libtorrentLike)
        #expect(asked(&lookup).count == 5)
        #expect(lookup.offer(contact(5)) == .taken)
        #expect(asked(&lookup) == [5])
        // Six are outstanding now, but only five at the head of the list: those that matter.
        answer(&lookup, 0, 10)
        #expect(asked(&lookup) == [])
        answer(&lookup, 1, 20)
        #expect(asked(&lookup) == [60])
    }

    @Test func theClassicSearchHasThreeOutstandingInAll() {
        var lookup = lookup([10, 20, 30, 40, 50], .classic)
        #expect(asked(&lookup) == [10, 20, 30])
        // Nearer ones have to wait for a place, whoever takes it.
        #expect(lookup.offer(contact(5)) == .taken)
        #expect(asked(&lookup) == [])
        answer(&lookup, 2, 30)
        #expect(asked(&lookup) == [5])
        lookup.failed(.candidate(0))
        #expect(asked(&lookup) == [40])
    }

    @Test func aStalledQueryFreesItsPlaceAndALateAnswerCounts() {
        var lookup = lookup([10, 20, 30, 40, 50, 60])
        #expect(asked(&lookup).count == 5)
        lookup.stalled(.candidate(0), now: now + .seconds(1))
        #expect(asked(&lookup) == [60])
        answer(&lookup, 0, 10)
        #expect(lookup.answeredCount == 1)
        #expect(lookup.closest == [contact(10)])
    }

    @Test func itEndsWhenTheEightNearestLivingHaveAnswered() {
        var lookup = lookup(1...30)
        var outstanding: [UInt32] = []
        var finished = false
        for _ in 0..<100 where !finished {
            for step in steps(&lookup) {
                switch step {
                case .ask(.candidate, _, let id): outstanding.append(id?.low ?? 0)
                case .finish: finished = true
                default: Issue.record("unexpected \(step)")
                }
            }
            guard !outstanding.isEmpty else { break }
            let distance = outstanding.removeFirst()
            // Every other one is dead. Candidates were offered in order, so the index is the distance less one.
            if distance.isMultiple(of: 2) {
                answer(&lookup, Int(distance) - 1, distance)
            } else {
                lookup.failed(.candidate(Int(distance) - 1))
            }
        }
        #expect(finished)
        #expect(lookup.closest.map(\.id.low) == [2, 4, 6, 8, 10, 12, 14, 16])
        // The head of the list and little more: alpha beyond the last at most.
        #expect(lookup.queriedCount <= 16 + 4)
    }

    @Test func aSilentCandidateIsAskedAgainOnlyWhenThereIsNobodyElse() {
        var lookup = lookup([10, 20])
        #expect(asked(&lookup) == [10, 20])
        answer(&lookup, 1, 20)
        #expect(asked(&lookup) == [])
        lookup.stalled(.candidate(0), now: now + .seconds(1))
        #expect(asked(&lookup, at: now + .seconds(1)) == [10])
        lookup.stalled(.candidate(0), now: now + .seconds(2))
        // Twice is enough; it settles, waiting for a late answer.
        #expect(steps(&lookup, at: now + .seconds(2)) == [])
        #expect(lookup.wakesAt == now + .seconds(4))
        #expect(steps(&lookup, at: now + .seconds(4)) == [.finish])
        #expect(lookup.queriedCount == 2 && lookup.answeredCount == 1)
    }

    @Test func seedsAreAskedAtOnceWhenTheListIsEmptyAndAgainWithPauses() {
        var lookup = lookup([])
        let seed = Endpoint.v4(44, 9, 9, 9, port: 6881)
        lookup.offerSeed(seed)
        lookup.offerSeed(seed)
        var time = now
        var askedAt: [Instant] = []
        for _ in 0..<6 {
            #expect(steps(&lookup, at: time) == [.ask(.seed(0), seed, id: nil)])
            askedAt.append(time)
            time = time + .seconds(1)
            lookup.stalled(.seed(0), now: time)
            #expect(steps(&lookup, at: time) == [])
            time = lookup.wakesAt ?? .distantFuture
        }
        let pauses = zip(askedAt, askedAt.dropFirst()).map { $0.duration(to: $1) - .seconds(1) }
        #expect(pauses == [.seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(15)])
        #expect(steps(&lookup, at: now + .seconds(60)) == [.finish])
    }

    @Test func anAnsweringSeedBecomesACandidate() {
        var lookup = lookup([])
        let seed = contact(40)
        lookup.offerSeed(seed.endpoint)
        #expect(steps(&lookup).count == 1)
        lookup.answered(.seed(0), by: seed, token: [])
        _ = lookup.offer(contact(7))
        #expect(asked(&lookup) == [7])
        lookup.answered(.candidate(1), by: contact(7), token: [])
        #expect(steps(&lookup) == [.finish])
        #expect(lookup.closest == [contact(7), seed])
    }

    @Test func seedsAreLeftAloneWhileTheListIsLong() {
        var lookup = lookup(1...20)
        lookup.offerSeed(.v4(44, 9, 9, 9, port: 6881))
        #expect(asked(&lookup) == [1, 2, 3, 4, 5])
        for index in 0..<8 {
            answer(&lookup, index, UInt32(index + 1))
            for step in steps(&lookup) { if case .ask(.seed, _, _) = step { Issue.record("asked a seed") } }
        }
        #expect(lookup.phase == .finished)
    }

    @Test func aHungryLookupWelcomesContactsAndAnIdleOneWaitsForThem() {
        var lookup = lookup([])
        #expect(steps(&lookup) == [])
        #expect(lookup.isHungry)
        #expect(lookup.offer(contact(3)) == .taken)
        #expect(asked(&lookup) == [3])
    }

    @Test func ourselvesKnownOnesAndTakenAddressesAreRefused() {
        var lookup = lookup([10])
        let ownID = NodeID(high: ~0, middle: 0, low: 0)
        #expect(lookup.offer(Contact(id: ownID, endpoint: contact(1).endpoint)) == .refused)
        #expect(lookup.offer(contact(10)) == .known)
        var twin = contact(10).endpoint
        twin.port = 7000
        #expect(lookup.offer(Contact(id: NodeID(high: 0, middle: 0, low: 9), endpoint: twin)) == .refused)
    }

    @Test func theListIsBoundedAndKeepsTheNearest() {
        var lookup = lookup((1...500).reversed())
        #expect(asked(&lookup) == [1, 2, 3, 4, 5])
        #expect(lookup.offer(contact(600)) == .refused)
        #expect(lookup.offer(contact(101)) == .refused)
    }

    @Test func anAnnounceGoesToTheNearestThatGaveATokenAndIsConfirmed() {
        var lookup = lookup(1...10, announces: true)
        var announced: [Contact] = []
        for index in 0..<10 {
            answer(&lookup, index, UInt32(index + 1), token: index == 2 ? [] : [UInt8(index)])
            for step in steps(&lookup) {
                guard case .announce(let store, let contact, let token) = step else { continue }
                #expect(token == [UInt8(contact.id.low - 1)])
                announced.append(contact)
                lookup.storeConfirmed(store)
            }
        }
        #expect(steps(&lookup) == [] && lookup.phase == .finished)
        #expect(announced.map(\.id.low) == [1, 2, 4, 5, 6, 7, 8])
        #expect(lookup.announcedCount == 7)
    }

    @Test func aRefusedTokenIsRenewedOnce() {
        var lookup = lookup([1], announces: true)
        _ = steps(&lookup)
        answer(&lookup, 0, 1, token: [1])
        #expect(steps(&lookup) == [.announce(store: 0, contact(1), token: [1])])
        lookup.storeRefused(0)
        #expect(steps(&lookup) == [.refreshToken(store: 0, contact(1))])
        lookup.tokenRefreshed(0, token: [2])
        #expect(steps(&lookup) == [.announce(store: 0, contact(1), token: [2])])
        lookup.storeRefused(0)
        #expect(steps(&lookup) == [.finish])
        #expect(lookup.announcedCount == 0)
    }

    @Test func aSilentStoreIsToldTwiceAndHoldsNothingUpForLong() {
        var lookup = lookup([1], announces: true)
        _ = steps(&lookup)
        answer(&lookup, 0, 1, token: [1])
        #expect(steps(&lookup).count == 1)
        lookup.storeStalled(0)
        #expect(steps(&lookup, at: now + .seconds(1)) == [.announce(store: 0, contact(1), token: [1])])
        lookup.storeStalled(0)
        #expect(steps(&lookup, at: now + .seconds(2)) == [])
        #expect(steps(&lookup, at: now + .seconds(4)) == [.finish])
    }

    // MARK: Lies

    private func secure(_ number: UInt32) -> Contact {
        var generator = SeededGenerator(number: UInt64(number))
        let endpoint = Endpoint.v4(EndpointV4(address: 0x2D00_0001 + number << 16, port: 6881))
        return Contact(id: SecureID.make(for: endpoint, using: &generator), endpoint: endpoint)
    }

    /// No estimate of the network's size yet, and sixteen sybils nearer than all others.
    @Test func aFirstLookupIsNotEndedBySybils() {
        var lookup = lookup(1...16)
        let honest = (0..<20).map(secure)
        for contact in honest { _ = lookup.offer(contact) }
        var asked: [NodeID] = []
        for _ in 0..<50 {
            for step in steps(&lookup) {
                guard case .ask(.candidate(let index), let endpoint, let id?) = step else { continue }
                asked.append(id)
                lookup.answered(.candidate(index), by: Contact(id: id, endpoint: endpoint), token: [])
            }
        }
        let nearest = honest.map(\.id).sorted { $0.distance(to: target) < $1.distance(to: target) }
        #expect(lookup.phase == .finished)
        #expect(asked.count >= 8 && Set(asked).isSuperset(of: nearest.prefix(8)))
        #expect(Set(asked).isSubset(of: honest.map(\.id)))
        #expect(lookup.representative?.map(\.id) == Array(nearest.prefix(8)))
    }

    @Test func aLookupOfSybilsAloneSaysNothingAboutTheSizeOfTheNetwork() {
        var lookup = lookup(1...16)
        for _ in 0..<50 {
            for step in steps(&lookup) {
                guard case .ask(.candidate(let index), _, let id?) = step else { continue }
                answer(&lookup, index, id.low)
            }
        }
        #expect(lookup.phase == .finished && lookup.closest.count == 8)
        #expect(lookup.representative == nil)
    }

    @Test func anEndpointThatWasNamedUnderAWrongIDCountsUnderItsOwn() {
        var lookup = lookup([1, 2])
        #expect(asked(&lookup) == [1, 2])
        // The first is somebody farther away, the second claims to be nearer.
        let honest = Contact(id: NodeID(high: 0, middle: 0, low: 900), endpoint: contact(1).endpoint)
        lookup.answered(.candidate(0), by: honest, token: [7])
        lookup.answered(.candidate(1), by: Contact(id: .zero, endpoint: contact(2).endpoint), token: [8])
        #expect(lookup.closest == [honest] && lookup.answeredCount == 1)
    }

    @Test func anIDThatWasNamedAtAWrongEndpointIsAskedAtItsOwnToo() {
        var lookup = lookup([])
        let honest = secure(1)
        let wrong = Contact(id: honest.id, endpoint: .v4(60, 1, 2, 3, port: 7000))
        #expect(lookup.offer(wrong) == .taken)
        #expect(lookup.offer(honest) == .taken)
        #expect(lookup.offer(Contact(id: honest.id, endpoint: .v4(61, 1, 2, 3, port: 7000))) == .refused)
        for step in steps(&lookup) {
            guard case .ask(.candidate(let index), let endpoint, _) = step else { continue }
            lookup.answered(.candidate(index), by: Contact(id: honest.id, endpoint: endpoint), token: [])
        }
        #expect(lookup.closest.map(\.id) == [honest.id], "one id counts once")
    }

    @Test func aWrongPortInTheWayIsGoneWhenItIsSilent() {
        var lookup = lookup([])
        let honest = secure(1)
        var wrong = honest
        wrong.endpoint.port = 7000
        wrong.id.low ^= 8
        #expect(lookup.offer(wrong) == .taken)
        #expect(lookup.offer(honest) == .refused, "one at a time")
        #expect(asked(&lookup) == [wrong.id.low])
        lookup.stalled(.candidate(0), now: now + .seconds(1))
        #expect(asked(&lookup, at: now + .seconds(1)) == [honest.id.low])
    }
}
