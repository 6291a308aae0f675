package import Primitives

/// The future of a simulation, in slots of one millisecond.
///
/// Events of one slot happen in the order in which they were scheduled. Nothing is scheduled further ahead than the
/// wheel is long: timers that are due later fire early and are armed again.
package struct EventWheel<Payload: BitwiseCopyable & Sendable>: Sendable {
    private struct Entry {
        var payload: Payload
        var next: UInt32
    }

    private static var none: UInt32 { .max }
    private static var slotCount: Int { 8192 }

    private var entries: [Entry] = []
    private var freeHead = EventWheel.none
    private var heads = Array(repeating: EventWheel.none, count: EventWheel.slotCount)
    private var tails = Array(repeating: EventWheel.none, count: EventWheel.slotCount)
    private var tick: Int64 = 0
    package private(set) var count = 0

    package init() {}

    /// The time of the slot that is being emptied.
    package var now: Instant { Instant(nanoseconds: tick * 1_000_000) }

    /// How far ahead an event can be.
    package static var horizon: Duration { .milliseconds(slotCount - 1) }

    /// Schedules at the first millisecond not before `instant`, but at most at the horizon and never in the past.
    ///
    /// - Returns: when it will happen.
    @discardableResult
    package mutating func schedule(_ payload: Payload, at instant: Instant) -> Instant {
        let wanted = instant.nanoseconds / 1_000_000 + (instant.nanoseconds % 1_000_000 > 0 ? 1 : 0)
        let slotTick = min(max(wanted, tick), tick + Int64(Self.slotCount - 1))
        let entry = allocate(payload)
        let slot = Int(slotTick) % Self.slotCount
        if tails[slot] == Self.none { heads[slot] = entry } else { entries[Int(tails[slot])].next = entry }
        tails[slot] = entry
        count += 1
        return Instant(nanoseconds: slotTick * 1_000_000)
    }

    /// The next event not after `limit`; the clock moves to it, or to `limit` when there is none.
    package mutating func next(until limit: Instant) -> Payload? {
        let lastTick = limit.nanoseconds / 1_000_000
        while count > 0, tick <= lastTick {
            let slot = Int(tick) % Self.slotCount
            if heads[slot] != Self.none { return pop(slot) }
            if tick == lastTick { return nil }
            tick += 1
        }
        tick = max(tick, lastTick)
        return nil
    }

    private mutating func pop(_ slot: Int) -> Payload {
        let entry = heads[slot]
        heads[slot] = entries[Int(entry)].next
        if heads[slot] == Self.none { tails[slot] = Self.none }
        entries[Int(entry)].next = freeHead
        freeHead = entry
        count -= 1
        return entries[Int(entry)].payload
    }

    private mutating func allocate(_ payload: Payload) -> UInt32 {
        guard freeHead != Self.none else {
            entries.append(Entry(payload: payload, next: Self.none))
            return UInt32(entries.count - 1)
        }
        let entry = freeHead
        freeHead = entries[Int(entry)].next
        entries[Int(entry)] = Entry(payload: payload, next: Self.none)
        return entry
    }
}
