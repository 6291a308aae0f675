import Primitives
import Testing

@Suite struct HostBudgetTests {
    private let rate = HostBudget.Rate(burst: 3, per: .seconds(10))
    private let wide = HostBudget.Rate(burst: 5, per: .seconds(1))

    private func v4(_ prefix: UInt8, _ host: UInt8, port: UInt16 = 1) -> Endpoint {
        .v4(9, 9, prefix, host, port: port)
    }

    /// How many of `count` uses are given.
    private func uses(_ count: Int, of budget: inout HostBudget, by endpoint: Endpoint, at now: Instant) -> Int {
        (0..<count).count { _ in budget.take(endpoint, now: now) == nil }
    }

    @Test func aHostHasABurstWhateverItsPortsAndThenOnePerInterval() {
        var budget = HostBudget(host: rate, prefix: wide, entriesMax: 10)
        let given = (0..<10).count { budget.take(v4(1, 1, port: UInt16($0)), now: .origin) == nil }
        #expect(given == 3 && budget.refusedCount == 7)
        #expect(budget.take(v4(1, 1), now: .origin) == .origin + .seconds(10))
        let later = Instant.origin + .seconds(10)
        #expect(uses(5, of: &budget, by: v4(1, 1), at: later) == 1)
        #expect(uses(5, of: &budget, by: v4(1, 1), at: later + .seconds(3_600)) == 3)
    }

    @Test func theHostsOfOneNetworkShareItsRateAndOthersHaveTheirOwn() {
        var budget = HostBudget(host: rate, prefix: wide, entriesMax: 100)
        let given = (0..<50).count { budget.take(v4(1, UInt8($0)), now: .origin) == nil }
        #expect(given == 5)
        #expect(uses(5, of: &budget, by: v4(2, 1), at: .origin) == 3)
    }

    @Test func successEarnsMore() {
        var budget = HostBudget(host: rate, prefix: wide, entriesMax: 10)
        var given = 0
        for _ in 0..<60 where budget.take(v4(1, 1), now: .origin) == nil {
            given += 1
            budget.earned(2, by: v4(1, 1), now: .origin)
        }
        #expect(given == 60)
        // What is left of it is bounded.
        #expect(uses(1_000, of: &budget, by: v4(1, 1), at: .origin) <= 64 + 3)
    }

    @Test func theTableIsBoundedAndForgetsThoseThatAreWholeAgain() {
        var budget = HostBudget(host: rate, prefix: wide, entriesMax: 4)
        let given = (0..<20).count { budget.take(v4(UInt8($0), 1), now: .origin) == nil }
        #expect(given == 4 && budget.count == 4)
        // A host that has an entry goes on.
        #expect(budget.take(v4(0, 1), now: .origin) == nil)
        let later = Instant.origin + .seconds(60)
        #expect((20..<40).count { budget.take(v4(UInt8($0), 1), now: later) == nil } == 4)
    }
}
