import Primitives

/// The endpoints talked to lately: an estimate of the entries that we hold in the tables of routers.
///
/// Time is cut into eighths of the lifetime. Each endpoint is remembered with the eighth it was last talked to in, and
/// each of the last eight has a count, so that nothing is ever searched for what has expired.
struct FlowTable: Sendable {
    private struct Slot: AssociativeSlot {
        var key: UInt64 = 0
        /// The eighth of the last packet, counted from the origin of the clock.
        var period: UInt32 = 0
        /// We sent the first packet.
        var isOpened = false
    }

    private static var periodCount: Int { 8 }

    private let periodNanoseconds: Int64
    private var table: AssociativeTable<Slot>
    private var period: UInt32 = 0
    /// When the next eighth begins; checked for every packet, so that dividing is rare.
    private var periodEnd = Instant.origin
    private var counts: [8 of Int32] = .init(repeating: 0)
    private var openedCounts: [8 of Int32] = .init(repeating: 0)
    private(set) var liveCount = 0
    /// Those of the live that we sent the first packet to.
    private(set) var openedCount = 0

    init(lifetime: Duration, slotLimit: Int, now: Instant) {
        periodNanoseconds = max(1, lifetime.wholeNanoseconds / Int64(Self.periodCount))
        table = AssociativeTable(slotLimit: slotLimit)
        enterPeriod(of: now)
    }

    /// When endpoints may expire next.
    var nextExpiry: Instant { periodEnd }

    mutating func roll(now: Instant) {
        guard now >= periodEnd else { return }
        let last = period
        enterPeriod(of: now)
        for step in 1...min(UInt32(Self.periodCount), max(1, period &- last)) {
            let index = Int(last &+ step) % Self.periodCount
            liveCount -= Int(counts[index])
            openedCount -= Int(openedCounts[index])
            counts[index] = 0
            openedCounts[index] = 0
        }
    }

    private mutating func enterPeriod(of now: Instant) {
        let number = now.nanoseconds / periodNanoseconds
        period = UInt32(truncatingIfNeeded: number)
        let (end, overflow) = (number + 1).multipliedReportingOverflow(by: periodNanoseconds)
        periodEnd = overflow ? .distantFuture : Instant(nanoseconds: end)
    }

    func isLive(_ key: UInt64) -> Bool {
        guard let position = table.position(of: key) else { return false }
        return isLive(table[position])
    }

    /// A packet goes to the endpoint; returns whether it is a new one.
    mutating func touch(_ key: UInt64, opens: Bool) -> Bool {
        let period = period
        let position = table.makePosition(of: key) { slot in
            let age = period &- slot.period
            guard age < Self.periodCount else { return 0 }
            // Ours are not pushed out by those of others, who could be anybody.
            return Self.periodCount - Int(age) + (slot.isOpened ? Self.periodCount : 0)
        }
        let old = table[position]
        let wasLive = isLive(old)
        // Talked to in this eighth already: most packets.
        if wasLive, old.key == key, old.period == period { return false }
        if wasLive { count(old, -1) }
        let isKnown = wasLive && old.key == key
        let slot = Slot(key: key, period: period, isOpened: isKnown ? old.isOpened : opens)
        table[position] = slot
        count(slot, 1)
        return !isKnown
    }

    private func isLive(_ slot: Slot) -> Bool {
        slot.key != 0 && period &- slot.period < UInt32(Self.periodCount)
    }

    private mutating func count(_ slot: Slot, _ change: Int32) {
        let index = Int(slot.period) % Self.periodCount
        // A slot from before the count of eighths wrapped may look live; it is not in the counts.
        guard counts[index] + change >= 0 else { return }
        counts[index] += change
        liveCount += Int(change)
        guard slot.isOpened, openedCounts[index] + change >= 0 else { return }
        openedCounts[index] += change
        openedCount += Int(change)
    }
}
