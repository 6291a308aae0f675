import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// Two nodes and a wire.
@Suite struct PairTests {
    private let infoHash = ID160(high: 11, middle: 12, low: 13)

    private func peers(_ events: [Event]) -> [Endpoint] {
        events.flatMap { event -> [Endpoint] in
            if case .peersFound(_, let peers, _) = event { return peers }
            return []
        }
    }

    private func report(_ events: [Event]) -> LookupReport? {
        for case .lookupFinished(_, let report) in events { return report }
        return nil
    }

    @Test func oneBootstrapsFromTheOtherAndBothKnowEachOther() {
        var pair = Pair()
        pair.command(.bootstrap([pair.endpoint(.b)]), to: .a)
        pair.drive()
        #expect(
            pair.takeEvents(.a) == [.firstContact(pair.endpoint(.b)), .bootstrapFinished(home: 0, nodes: 1)])
        pair.run(for: .seconds(1))
        #expect(pair[.a].homes[0].contacts == [Contact(id: pair[.b].homes[0].id, endpoint: pair.endpoint(.b))])
        #expect(pair[.b].homes[0].contacts == [Contact(id: pair[.a].homes[0].id, endpoint: pair.endpoint(.a))])
    }

    @Test(arguments: [0, 5000] as [UInt16])
    func anAnnouncedPeerIsFound(port: UInt16) throws {
        var pair = Pair()
        pair.command(.bootstrap([pair.endpoint(.b)]), to: .a)
        pair.run(for: .seconds(1))
        pair.command(.lookup(LookupID(1), target: infoHash, .announce(port: port)), to: .a)
        pair.drive()
        let announce = try #require(report(pair.takeEvents(.a)))
        #expect(announce.announcedTo == 1 && announce.answered == 1)
        pair.command(.lookup(LookupID(2), target: infoHash, .getPeers), to: .b)
        pair.drive()
        // B holds the peer itself and does not ask itself; A knows nothing.
        #expect(peers(pair.takeEvents(.b)) == [])
        pair.command(.lookup(LookupID(3), target: infoHash, .getPeers), to: .a)
        pair.drive()
        var expected = pair.endpoint(.a)
        if port != 0 { expected.port = port }
        #expect(peers(pair.takeEvents(.a)) == [expected])
    }

    @Test func aLookupBegunBeforeAnyBootstrapGetsPeersFromTheFirstAnswer() {
        var pair = Pair()
        pair.command(.lookup(LookupID(9), target: infoHash, .announce(port: 1)), to: .a)
        pair.command(.bootstrap([pair.endpoint(.a)]), to: .b)
        pair.run(for: .seconds(2))
        #expect(report(pair.takeEvents(.a))?.announcedTo == 1)
        // The lookup goes out beside the bootstrap query, not after it.
        var late = Pair()
        late.loses = { $0.sender == .b }
        late.command(.bootstrap([late.endpoint(.b)]), to: .a)
        late.command(.lookup(LookupID(1), target: infoHash, .getPeers), to: .a)
        #expect(late.inFlight.count == 2)
    }

    @Test func lossIsSurvived() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            var pair = Pair(seed: seed)
            let random = Losses(SeededGenerator(number: seed))
            pair.loses = { _ in random.next(share: 0.3) }
            pair.command(.bootstrap([pair.endpoint(.b)]), to: .a)
            pair.command(.lookup(LookupID(1), target: infoHash, .announce(port: 1)), to: .a)
            pair.run(for: .seconds(62))
            let outcome = try #require(report(pair.takeEvents(.a)))
            #expect(outcome.answered == 1)
        }
    }

    @Test func theBootstrapIsTriedForEverAndSucceedsWhenSomebodyComesUp() {
        var pair = Pair()
        var isUp = false
        let isDown = Flag()
        pair.loses = { $0.sender == .b && isDown.value }
        pair.command(.bootstrap([pair.endpoint(.b)]), to: .a)
        pair.run(for: .seconds(3600))
        let failures = pair.takeEvents(.a)
        #expect(failures.count > 20 && failures.allSatisfy { $0 == .bootstrapFinished(home: 0, nodes: 0) })
        #expect(pair.sent.filter { $0.sender == .a }.count < 400)
        isDown.value = false
        pair.run(for: .seconds(125))
        isUp = pair.takeEvents(.a).contains(.bootstrapFinished(home: 0, nodes: 1))
        #expect(isUp)
    }

    @Test func aDeadContactLeavesTheTableButNotWhileWeAreCutOffOurselves() {
        var pair = Pair()
        pair.command(.bootstrap([pair.endpoint(.b)]), to: .a)
        pair.run(for: .seconds(2))
        #expect(pair[.a].homes[0].contactCount == 1)
        // Nobody else is heard: A cannot tell B's death from its own outage, and keeps the contact.
        pair.loses = { _ in true }
        pair.run(for: .seconds(600))
        #expect(pair[.a].homes[0].contactCount == 1)
        #expect(pair[.a].statistics.timeouts > 10)
    }

    @Test func bothFamiliesAreLookedUpUnderOneID() throws {
        var pair = Pair(families: [.v4, .v6])
        pair.command(.bootstrap([pair.endpoint(.b), pair.endpoint(.b, home: 1)]), to: .a)
        pair.run(for: .seconds(1))
        #expect(pair[.a].statistics.contactsV4 == 1 && pair[.a].statistics.contactsV6 == 1)
        _ = pair.takeEvents(.a)
        pair.command(.lookup(LookupID(1), target: infoHash, .announce(port: 7)), to: .a)
        pair.drive()
        let announce = try #require(report(pair.takeEvents(.a)))
        #expect(announce.announcedTo == 2)
        #expect(announce.closest.map(\.endpoint) == [pair.endpoint(.b), pair.endpoint(.b, home: 1)])
        pair.command(.lookup(LookupID(2), target: infoHash, .getPeers), to: .a)
        pair.drive()
        let found = pair.takeEvents(.a)
        #expect(Set(peers(found)).count == 2)
        #expect(found.filter { if case .lookupFinished = $0 { true } else { false } }.count == 1)
    }

    @Test func oneFamilyLeadsToTheOther() {
        var pair = Pair(families: [.v4, .v6])
        // B is known by IPv4 only, and knows an IPv6 node: itself as A sees it would be refused, so A's own.
        pair.command(.bootstrap([pair.endpoint(.b)]), to: .a)
        pair.command(.contact(pair.endpoint(.a, home: 1)), to: .b)
        pair.run(for: .seconds(5))
        #expect(pair[.b].statistics.contactsV6 == 1)
        // A was pinged over IPv6, and pinged back.
        #expect(pair[.a].statistics.contactsV6 == 1)
    }

    @Test func aFamilyThatLeadsNowhereHoldsNothingUp() throws {
        var pair = Pair(families: [.v4, .v6])
        pair.loses = { $0.home == 1 }
        pair.command(.bootstrap([pair.endpoint(.b), pair.endpoint(.b, home: 1)]), to: .a)
        pair.command(.lookup(LookupID(1), target: infoHash, .announce(port: 7)), to: .a)
        pair.run(for: .seconds(4))
        let outcome = try #require(report(pair.takeEvents(.a)))
        #expect(outcome.announcedTo == 1)
        #expect(outcome.duration <= .milliseconds(3100))
    }

    @Test func aCancelledLookupIsSilent() {
        var pair = Pair()
        pair.command(.bootstrap([pair.endpoint(.b)]), to: .a)
        pair.run(for: .seconds(1))
        _ = pair.takeEvents(.a)
        pair.command(.lookup(LookupID(1), target: infoHash, .getPeers), to: .a)
        pair.command(.cancel(LookupID(1)), to: .a)
        pair.command(.cancel(LookupID(2)), to: .a)
        pair.run(for: .seconds(30))
        #expect(pair.takeEvents(.a).allSatisfy { $0 == .bootstrapFinished(home: 0, nodes: 1) })
        #expect(pair[.a].statistics.lookupsRunning == 0)
    }

    @Test func oneSeedReplaysOneRunToTheByte() {
        let run = { (seed: UInt64) -> [[UInt8]] in
            var pair = Pair(seed: seed)
            pair.command(.bootstrap([pair.endpoint(.b)]), to: .a)
            pair.command(.lookup(LookupID(1), target: .zero, .announce(port: 1)), to: .a)
            pair.run(for: .seconds(120))
            return pair.sent.map(\.bytes)
        }
        #expect(run(1) == run(1))
        #expect(run(1) != run(2))
    }
}

/// Decides losses from a seed; a class, because the wire's closure has to remember.
private final class Losses {
    private var generator: SeededGenerator

    init(_ generator: SeededGenerator) {
        self.generator = generator
    }

    func next(share: Double) -> Bool { Double.random(in: 0..<1, using: &generator) < share }
}

private final class Flag {
    var value = true
}
