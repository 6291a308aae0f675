import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// Every limit is reached once (`LimitCase`), and some of them more closely looked at.
@Suite struct LimitTests {
    @Test(arguments: LimitCase.all) func aLimitRefusesWhatTheDefaultLetsThrough(_ limit: LimitCase) {
        var configuration = Configuration.loopback
        limit.common(&configuration)
        #expect(limit.refusals(configuration) == 0, "refused without need")
        limit.tight(&configuration)
        #expect(limit.refusals(configuration) > 0, "the limit is not reached, or does nothing")
    }

    /// Whoever adds a setting to these says here which test reaches it, or that it is no limit.
    @Test func everyLimitHasACase() {
        let names = { (rules: Any) in Set(Mirror(reflecting: rules).children.compactMap(\.label)) }
        let cases = { (cases: [LimitCase]) in Set(cases.map(\.name)) }
        #expect(names(Configuration.Limits()) == cases(LimitCase.limits))
        #expect(names(Budgets()) == cases(LimitCase.budgets))
        #expect(names(TableRules()).subtracting(LimitCase.tablePolicies) == cases(LimitCase.table))
        #expect(names(SearchRules()).subtracting(LimitCase.searchPolicies) == cases(LimitCase.search))
        #expect(LimitCase.all.count == Set(LimitCase.all.map(\.name)).count)
    }

    /// Whoever adds an area of settings adds it above, if it has limits.
    @Test func noAreaOfSettingsIsForgotten() {
        let areas = Mirror(reflecting: Configuration()).children.compactMap { child in
            Mirror(reflecting: child.value).displayStyle == .struct && !(child.value is Duration) ? child.label : nil
        }
        #expect(Set(areas) == ["_limits", "_budgets", "_table", "_search"])
    }

    private var generator = SeededGenerator(number: 79)

    private func bench(_ change: (inout Configuration.Limits) -> Void) -> Workbench {
        var configuration = Configuration.loopback
        change(&configuration.limits)
        return Workbench(configuration)
    }

    private func endpoint(_ number: Int) -> Endpoint { .v4(127, 0, 0, 1, port: UInt16(10_000 + number)) }

    @Test func lookupsAreLimitedAndRefusedAloud() {
        var bench = bench { $0.lookupCount = 3 }
        for number in 1...5 as ClosedRange<UInt64> {
            bench.command(.lookup(LookupID(number), target: .zero, .findNode))
        }
        #expect(bench.takeEvents() == [.lookupRefused(LookupID(4)), .lookupRefused(LookupID(5))])
        #expect(bench.node.statistics.lookupsRunning == 3 && bench.node.statistics.refused.lookups == 2)
        // An id in use is refused as well, and the lookup that has it goes on.
        bench.command(.cancel(LookupID(1)))
        bench.command(.lookup(LookupID(2), target: .zero, .findNode))
        #expect(bench.takeEvents() == [.lookupRefused(LookupID(2))])
        bench.command(.lookup(LookupID(6), target: .zero, .findNode))
        #expect(bench.takeEvents() == [])
    }

    @Test func aFullTransactionTableDelaysALookupButDoesNotEndIt() {
        var bench = bench { $0.transactionCount = 2 }
        bench.command(.bootstrap((0..<6).map(endpoint)))
        #expect(bench.takeSent().count == 2)
        #expect(bench.node.statistics.refused.transactions > 0)
        #expect(bench.node.statistics.transactionsInFlight == 2)
        bench.advance(by: .seconds(14))
        // The two have timed out, and others were asked in their place.
        #expect(Set(bench.takeSent().map(\.to)).count >= 2)
        #expect(bench.node.statistics.transactionsInFlight <= 2)
    }

    @Test mutating func candidatesAndPeersOfALookupAreLimited() throws {
        var bench = bench {
            $0.candidatesPerLookup = 12
            $0.peersPerLookup = 30
        }
        let seed = Stranger(1, using: &generator)
        bench.command(.bootstrap([seed.endpoint]))
        bench.command(.lookup(LookupID(1), target: .zero, .getPeers))
        let query = try #require(bench.takeSent().last)
        // Nearest first, so that the last ones find the list full of better ones.
        let nodes = (0..<16).map {
            Contact(id: NodeID(high: UInt64($0), middle: 0, low: 1), endpoint: endpoint(100 + $0))
        }
        let values = (0..<50).map { endpoint(1000 + $0) }
        bench.receive(seed.reply(to: query, ReplyContent(nodes: nodes, values: values)), from: seed.endpoint)
        // One answer may bring a quarter of the room.
        #expect(bench.node.statistics.refused.peers == 42)
        #expect(bench.node.statistics.refused.candidates >= 4)
        bench.advance(by: .seconds(30))
        let asked = Set(bench.takeSent().filter { $0.query?.target == .zero }.map(\.to))
        #expect(asked.count <= 12)
    }
}
