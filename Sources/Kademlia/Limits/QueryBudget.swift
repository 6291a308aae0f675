import Primitives

/// How urgent a query of ours is: the less, the more of each budget it leaves for others.
enum Urgency: Int, CaseIterable, Sendable {
    /// A lookup that somebody waits for.
    case caller
    case ownLookup
    case upkeep
    case verification

    /// How many eighths of each budget it leaves alone.
    var reserveEighths: Int {
        switch self {
        case .caller: 0
        case .ownLookup: 1
        case .upkeep: 2
        case .verification: 4
        }
    }
}

/// What our queries may cost others: packets, and entries in the tables of routers.
struct QueryBudget: Sendable {
    private enum Refusal { case queries, newEndpoints, flows }

    /// A pause is at least this long, so that a hundred waiting lookups do not try a thousand times a second.
    private static let shortestPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(15)

    private let flowLimit: Int
    private let hash: KeyedHash
    private var queries: TokenBucket?
    private var newEndpoints: TokenBucket?
    private var flows: FlowTable
    private var packets = RateMeter()
    private var freshEndpoints = RateMeter()
    private var paused = BudgetStatistics.Paused()

    init(_ budgets: Budgets, key: (UInt64, UInt64), now: Instant) {
        flowLimit = budgets.liveFlowCount.map { max(0, $0) } ?? .max
        hash = KeyedHash(key: key)
        queries = budgets.queriesPerSecond.map { TokenBucket(perSecond: $0, burst: $0, now: now) }
        newEndpoints = budgets.newEndpointsPerSecond.map { TokenBucket(perSecond: $0, burst: $0, now: now) }
        // Four times the room, since flows of others count as well and four ways do not fill up evenly.
        let slotLimit = min(budgets.liveFlowCount ?? 4096, 1 << 15) * 4
        flows = FlowTable(lifetime: budgets.flowLifetime, slotLimit: max(64, slotLimit), now: now)
    }

    /// Pays for a query; if it cannot be paid for, says when to try again.
    mutating func pause(before endpoint: Endpoint, _ urgency: Urgency, now: Instant) -> Instant? {
        guard let (refusal, retryAt) = refusal(of: endpoint, urgency, now: now) else { return nil }
        switch refusal {
        case .queries: paused.queries += 1
        case .newEndpoints: paused.newEndpoints += 1
        case .flows: paused.flows += 1
        }
        switch urgency {
        case .caller: paused.lookups += 1
        case .ownLookup: paused.ownLookups += 1
        case .upkeep: paused.upkeep += 1
        case .verification: paused.verifications += 1
        }
        return retryAt
    }

    private mutating func refusal(
        of endpoint: Endpoint, _ urgency: Urgency, now: Instant
    ) -> (Refusal, retryAt: Instant)? {
        queries?.refill(now: now)
        newEndpoints?.refill(now: now)
        roll(now: now)
        let reserve = Int64(urgency.reserveEighths)
        if let queries, !queries.has(reserveEighths: reserve) {
            return (.queries, pause(until: queries.isReady(reserveEighths: reserve), now: now))
        }
        let key = hash.key(of: endpoint)
        if !flows.isLive(key) {
            guard hasRoom(urgency) else { return (.flows, pause(until: flows.nextExpiry, now: now)) }
            if let newEndpoints, !newEndpoints.has(reserveEighths: reserve) {
                return (.newEndpoints, pause(until: newEndpoints.isReady(reserveEighths: reserve), now: now))
            }
            newEndpoints?.take(1)
        }
        queries?.take(1)
        packets.count(1)
        if flows.touch(key, opens: true) { freshEndpoints.count(1) }
        return nil
    }

    /// An answer goes there: it is counted, and never refused for it, since the asker has made the entry already.
    mutating func answered(_ endpoint: Endpoint, now: Instant) {
        roll(now: now)
        packets.count(1)
        if flows.touch(hash.key(of: endpoint), opens: false) { freshEndpoints.count(1) }
    }

    private mutating func roll(now: Instant) {
        flows.roll(now: now)
        packets.roll(now: now)
        freshEndpoints.roll(now: now)
    }

    /// Flows of those who ask us take at most half of the room.
    private func hasRoom(_ urgency: Urgency) -> Bool {
        guard flowLimit != .max else { return true }
        let half = flowLimit - flowLimit / 2
        let (limit, used) =
            flows.liveCount < flowLimit ? (flowLimit, flows.liveCount) : (half, flows.openedCount)
        return used < max(1, limit - limit / 8 * urgency.reserveEighths) && limit > 0
    }

    private func pause(until moment: Instant, now: Instant) -> Instant {
        max(now + Self.shortestPause, min(moment, now + Self.longestPause))
    }

    func describe(_ statistics: inout BudgetStatistics) {
        statistics.queriesLeft = queries?.tokens
        statistics.newEndpointsLeft = newEndpoints?.tokens
        statistics.packetsPerSecond = packets.perSecond
        statistics.newEndpointsPerSecond = freshEndpoints.perSecond
        statistics.liveFlows = flows.liveCount
        statistics.openedFlows = flows.openedCount
        statistics.paused = paused
    }
}
