import Primitives
import Testing

@testable import Kademlia

/// The parts of the budgets, each alone.
@Suite struct BudgetTests {
    private func at(_ second: Double) -> Instant { .origin + .milliseconds(Int(second * 1000)) }
    private func endpoint(_ number: Int, port: UInt16 = 7000) -> Endpoint {
        .v4(EndpointV4(address: 0x2C00_0000 + UInt32(number), port: port))
    }

    // MARK: Token bucket

    @Test func aBucketHasABurstAndARate() {
        var bucket = TokenBucket(perSecond: 10, burst: 5, now: at(1))
        #expect(bucket.tokens == 5)
        bucket.take(5)
        #expect(!bucket.has(reserveEighths: 0))
        #expect(bucket.isReady(reserveEighths: 0) > at(1.09) && bucket.isReady(reserveEighths: 0) <= at(1.101))
        bucket.refill(now: at(1.2))
        #expect(bucket.tokens == 2)
        bucket.refill(now: at(1_000_000_000))
        #expect(bucket.tokens == 5)
    }

    @Test func theReserveIsForTheUrgent() {
        var bucket = TokenBucket(perSecond: 8, burst: 8, now: at(1))
        bucket.take(4)
        #expect(bucket.has(reserveEighths: 0) && bucket.has(reserveEighths: 3) && !bucket.has(reserveEighths: 4))
        bucket.refill(now: bucket.isReady(reserveEighths: 4))
        #expect(bucket.has(reserveEighths: 4) && bucket.tokens == 5)
    }

    @Test func bucketsOfNothingAndOfEverythingDoNotTrap() {
        var none = TokenBucket(perSecond: 0, burst: 0, now: .origin)
        #expect(!none.has(reserveEighths: 0) && none.isReady(reserveEighths: 0) == .distantFuture)
        none.refill(now: .distantFuture)
        #expect(!none.has(reserveEighths: 0))
        var all = TokenBucket(perSecond: .max, burst: .max, now: .origin)
        all.take(1_000_000)
        all.refill(now: .distantFuture)
        #expect(all.has(reserveEighths: 7))
        // The smallest that works at all works for everybody, only not at the same time.
        #expect(TokenBucket(perSecond: 1, burst: 1, now: .origin).has(reserveEighths: 4))
    }

    // MARK: Flows

    private func touch(_ flows: inout FlowTable, _ key: UInt64, opens: Bool = true) -> Bool {
        flows.touch(key, opens: opens)
    }

    @Test func aFlowLivesForItsLifetimeAfterTheLastPacket() {
        var flows = FlowTable(lifetime: .seconds(80), slotLimit: 1024, now: at(0))
        #expect(touch(&flows, 1 << 40) && touch(&flows, 2 << 40, opens: false))
        #expect(flows.liveCount == 2 && flows.openedCount == 1)
        flows.roll(now: at(50))
        #expect(!touch(&flows, 1 << 40, opens: false))
        flows.roll(now: at(81))
        #expect(flows.liveCount == 1 && flows.isLive(1 << 40) && !flows.isLive(2 << 40) && flows.openedCount == 1)
        flows.roll(now: at(131))
        #expect(flows.liveCount == 0 && flows.openedCount == 0 && !flows.isLive(1 << 40))
        #expect(touch(&flows, 1 << 40, opens: false))
    }

    @Test func theCountOfFlowsIsTrueUnlessTheTableOverflows() {
        var flows = FlowTable(lifetime: .seconds(120), slotLimit: 16_384, now: at(0))
        let hash = KeyedHash(key: (1, 2))
        for number in 0..<2000 { _ = touch(&flows, hash.key(of: endpoint(number))) }
        let again = (0..<2000).filter { touch(&flows, hash.key(of: endpoint($0))) }
        #expect(again.count < 10 && flows.liveCount > 1990 && flows.liveCount <= 2000)
        for number in 2000..<100_000 { _ = flows.touch(hash.key(of: endpoint(number)), opens: true) }
        #expect(flows.liveCount <= 16_384 && flows.liveCount > 14_000)
        // A clock that stood still for a year and one that wraps do no harm.
        flows.roll(now: at(31_536_000))
        #expect(flows.liveCount == 0)
    }

    // MARK: Queries

    private func budget(_ change: (inout Budgets) -> Void) -> QueryBudget {
        var budgets = Budgets(preset: .off)
        change(&budgets)
        return QueryBudget(budgets, key: (1, 2), now: at(0))
    }

    private func pause(_ budget: inout QueryBudget, _ number: Int, at second: Double) -> Instant? {
        budget.pause(before: endpoint(number), .caller, now: at(second))
    }

    private func described(_ budget: QueryBudget) -> BudgetStatistics {
        var statistics = BudgetStatistics()
        budget.describe(&statistics)
        return statistics
    }

    @Test func knownEndpointsCostNoNewOnes() {
        var budget = budget { $0.newEndpointsPerSecond = 3 }
        for number in 0..<3 { #expect(pause(&budget, number, at: 1) == nil) }
        for number in 0..<3 { #expect(pause(&budget, number, at: 1) == nil) }
        let retry = budget.pause(before: endpoint(3), .caller, now: at(1))
        #expect(retry.map { $0 > at(1.3) && $0 < at(1.4) } == true)
        #expect(pause(&budget, 3, at: 1.4) == nil)
        #expect(described(budget).paused.newEndpoints == 1 && described(budget).paused.lookups == 1)
    }

    @Test func theLessUrgentLeaveRoomForTheMoreUrgent() {
        var budget = budget { $0.queriesPerSecond = 80 }
        var sent: [Urgency: Int] = [:]
        for urgency in Urgency.allCases.reversed() {
            while budget.pause(before: endpoint(1), urgency, now: at(1)) == nil { sent[urgency, default: 0] += 1 }
        }
        #expect(sent == [.verification: 40, .upkeep: 20, .ownLookup: 10, .caller: 10])
        let paused = described(budget).paused
        #expect(paused.queries == 4)
        #expect([paused.lookups, paused.ownLookups, paused.upkeep, paused.verifications] == [1, 1, 1, 1])
    }

    @Test func thoseWhoAskUsTakeAtMostHalfOfTheRoomForFlows() {
        var budget = budget { $0.liveFlowCount = 100 }
        for number in 0..<500 { budget.answered(endpoint(number), now: at(1)) }
        #expect(described(budget).liveFlows > 100)
        var opened = 0
        while opened < 1000, budget.pause(before: endpoint(1000 + opened), .caller, now: at(1)) == nil { opened += 1 }
        #expect(opened == 50 && described(budget).openedFlows == 50 && described(budget).paused.flows == 1)
        // An old acquaintance needs no room.
        let old = budget.pause(before: endpoint(1000), .verification, now: at(1))
        #expect(old == nil)
        // There is room again when they have expired, and waiting for that takes a fraction of the lifetime.
        let retry = budget.pause(before: endpoint(2000), .caller, now: at(1))
        #expect(retry.map { $0 <= at(16) } == true)
        #expect(pause(&budget, 2000, at: 122) == nil)
    }

    @Test func ratesAreThoseOfTheLastTenSeconds() {
        var budget = budget { $0.queriesPerSecond = 1000 }
        for tick in 0..<400 {
            _ = budget.pause(before: endpoint(tick % 150), .caller, now: at(Double(tick) / 10))
            budget.answered(endpoint(tick % 150), now: at(Double(tick) / 10))
        }
        #expect(described(budget).packetsPerSecond == 20)
        #expect(described(budget).newEndpointsPerSecond == 0)
    }

    // MARK: Presets

    @Test func presetsGrowFromLowToHighAndOffLiftsAll() {
        let figures = [Budgets.Preset.low, .default, .high].map { preset in
            let budgets = Budgets(preset: preset)
            return [
                budgets.queriesPerSecond, budgets.newEndpointsPerSecond, budgets.liveFlowCount,
                budgets.answerBytesPerSecond,
            ].map { $0 ?? 0 }
        }
        for index in figures[0].indices {
            #expect(figures[0][index] > 0 && figures[0][index] < figures[1][index])
            #expect(figures[1][index] < figures[2][index])
        }
        #expect(figures[0][1] <= 20 && figures[1][1] <= 100)
        #expect(Budgets(preset: .default) == Budgets())
        let off = Budgets(preset: .off)
        #expect(!off.limitsAnswers && !off.limitsQueries)
        // What bounds the damage to others is not a matter of taste.
        for preset in [Budgets.Preset.low, .default, .high] {
            #expect(Budgets(preset: preset).answerBytesPerQueryByte == 4)
        }
        #expect(Budgets.Preset.allCases.map(\.rawValue) == ["low", "default", "high", "off"])
    }
}
