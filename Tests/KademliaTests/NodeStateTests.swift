import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// A node that goes on where an earlier one stopped.
@Suite struct NodeStateTests {
    private let target = ID160(high: 11, middle: 12, low: 13)
    private let local = Endpoint.v4(127, 0, 0, 1, port: 6881)
    private let id = ID160(high: 1, middle: 2, low: 3)
    private var generator = SeededGenerator(number: 5)

    private mutating func strangers(_ count: Int) -> [Stranger] {
        (1...count).map { Stranger($0, using: &generator) }
    }

    private func state(_ strangers: [Stranger], external: Endpoint? = nil) -> NodeState {
        NodeState(homes: [.init(local: local, id: id, external: external, contacts: strangers.map(\.contact))])
    }

    @Test mutating func aRestoredNodeHasItsIDAndAsksItsContactsAtOnce() throws {
        let known = strangers(20)
        var bench = Workbench(restoring: state(known))
        #expect(bench.node.homes[0].id == id)
        #expect(bench.node.homes[0].contactCount == 0, "nobody is believed in before an answer")
        bench.command(.lookup(LookupID(1), target: target, .getPeers))
        let nearest = known.sorted { $0.id.distance(to: target) < $1.id.distance(to: target) }
        let asked = bench.takeSent().filter { $0.query?.target == target }.map(\.to)
        #expect(!asked.isEmpty && asked.allSatisfy { nearest.prefix(8).map(\.endpoint).contains($0) })
    }

    @Test mutating func itBootstrapsWithoutAnyoneElse() throws {
        let known = strangers(3)
        var bench = Workbench(restoring: state(known))
        #expect(bench.node.nextDeadline == bench.now)
        bench.advance(by: .zero)
        let asked = bench.takeSent()
        #expect(Set(asked.map(\.to)) == Set(known.map(\.endpoint)))
        for query in asked {
            let stranger = try #require(known.first { $0.endpoint == query.to })
            bench.receive(stranger.reply(to: query), from: stranger.endpoint)
        }
        #expect(bench.node.homes[0].contactCount == 3)
    }

    @Test mutating func whoIsNotThereAnyMoreIsAskedOnceAndForgotten() {
        let known = strangers(30)
        var bench = Workbench(restoring: state(known))
        bench.advance(by: .seconds(60))
        let asked = bench.takeSent().map(\.to)
        #expect(Set(asked) == Set(known.map(\.endpoint)))
        #expect(bench.node.homes[0].contactCount == 0)
        #expect(bench.node.savedState.homes[0].contacts.isEmpty)
        #expect(bench.node.savedState.keepingContacts(of: state(known)).homes[0].contacts == known.map(\.contact))
    }

    @Test mutating func aShortRunLosesNobody() throws {
        let known = strangers(20)
        var bench = Workbench(restoring: state(known))
        bench.advance(by: .zero)
        let query = try #require(bench.takeSent().first)
        let stranger = try #require(known.first { $0.endpoint == query.to })
        bench.receive(stranger.reply(to: query), from: stranger.endpoint)
        let saved = bench.node.savedState.homes[0]
        #expect(saved.id == id && saved.local == local)
        // All but the one that was taken from the list to be pinged, which may not be there any more.
        #expect(saved.contacts.count >= 19 && saved.contacts.contains(stranger.contact))
        #expect(Set(saved.contacts).isSubset(of: Set(known.map(\.contact))))
    }

    @Test mutating func theLimitAndTheModeBoundWhatIsTakenOver() {
        var configuration = Configuration.loopback
        configuration.limits.restoredContactCount = 10
        let bench = Workbench(configuration, restoring: state(strangers(15)))
        #expect(bench.node.savedState.homes[0].contacts.count == 10)
        #expect(bench.node.statistics.refused.contacts == 5)
        let setup = [HomeSetup(local: .v4(44, 0, 0, 1, port: 6881))]
        let inPublic = Workbench(Configuration(), homes: setup, restoring: state(strangers(15)))
        #expect(inPublic.node.savedState.homes[0].contacts.isEmpty)
        #expect(inPublic.node.statistics.refused.contacts == 15)
    }

    @Test func anIDThatTheAddressForbidsIsNotTaken() {
        let external = Endpoint.v4(44, 1, 2, 3, port: 6881)
        let allowed = SecureID.make(for: external, random: id)
        for (id, isTaken) in [(allowed, true), (id, false)] {
            let saved = NodeState(homes: [.init(local: local, id: id, external: external)])
            let bench = Workbench(Configuration(), restoring: saved)
            #expect((bench.node.homes[0].id == id) == isTaken)
        }
    }

    @Test func homesAreMatchedByAddressThenByFamily() {
        let (one, two) = (Endpoint.v4(127, 0, 0, 1, port: 1), Endpoint.v4(127, 0, 0, 2, port: 1))
        let six = Endpoint.v6(EndpointV6(high: 0, low: 1, port: 1))
        let ids = (1...3).map { ID160(high: $0, middle: 0, low: 0) }
        let saved = NodeState(homes: zip([one, two, six], ids).map { .init(local: $0, id: $1) })
        let moved = [Endpoint.v4(127, 0, 0, 9, port: 1), .v4(127, 0, 0, 1, port: 77), six]
        let bench = Workbench(homes: moved.map { HomeSetup(local: $0) }, restoring: saved)
        #expect(bench.node.homes.map(\.id) == [ids[1], ids[0], ids[2]])
        let stranger = Workbench(homes: moved.map { HomeSetup(local: $0) }, restoring: saved.withoutIDs)
        #expect(Set(stranger.node.homes.map(\.id)).isDisjoint(with: ids))
    }
}
