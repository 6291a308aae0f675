package import Primitives

/// The future of a simulation, in slots of one millisecond.
///
/// Events of one slot happen in the order in which they were scheduled. Nothing is scheduled further ahead than the
/// wheel is long: timers that are due later fire early and are armed again.
package struct EventWheel<Payload: BitwiseCopyable & Sendable>: Sendable {
    /// The events of one millisecond: chunks in a chain, of which all but the last are full.
    private struct Slot {
        var first = EventWheel.none
        var last = EventWheel.none
        var lastCount: UInt32 = 0
    }

    private static var none: UInt32 { .max }
    private static var slotCount: Int { 8192 }
    /// Events that lie beside each other.
    private static var chunkSize: Int { 16 }

    private var slots = Array(repeating: Slot(), count: EventWheel.slotCount)
    /// Chunk after chunk.
    private var events: [Payload] = []
    /// The next chunk of the chain that each is in.
    private var next: [UInt32] = []
    private var firstFree = EventWheel.none
    private var tick: Int64 = 0
    /// How many events of the current slot's first chunk have happened.
    private var position = 0
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
        append(payload, to: Int(slotTick) % Self.slotCount)
        count += 1
        return Instant(nanoseconds: slotTick * 1_000_000)
    }

    /// The next event not after `limit`; the clock moves to it, or to `limit` when there is none.
    package mutating func next(until limit: Instant) -> Payload? {
        let lastTick = limit.nanoseconds / 1_000_000
        while count > 0, tick <= lastTick {
            let slot = Int(tick) % Self.slotCount
            if slots[slot].first != Self.none { return pop(slot) }
            if tick == lastTick { return nil }
            tick += 1
        }
        tick = max(tick, lastTick)
        return nil
    }

    /// Now and then some of the events that come next, for those who want to prepare for them: each event is shown once
    /// at most, before it happens.
    package var upcoming: ArraySlice<Payload> {
        guard position == 1 else { return [] }
        let slot = slots[Int(tick) % Self.slotCount]
        let start = Int(slot.first) * Self.chunkSize
        let count = slot.first == slot.last ? Int(slot.lastCount) : Self.chunkSize
        return events[start + 1..<start + count]
    }

    private mutating func pop(_ slot: Int) -> Payload {
        let chunk = slots[slot].first
        let payload = events[Int(chunk) * Self.chunkSize + position]
        position += 1
        count -= 1
        let isLast = chunk == slots[slot].last
        if position == (isLast ? Int(slots[slot].lastCount) : Self.chunkSize) {
            position = 0
            slots[slot].first = isLast ? Self.none : next[Int(chunk)]
            next[Int(chunk)] = firstFree
            firstFree = chunk
        }
        return payload
    }

    private mutating func append(_ payload: Payload, to slot: Int) {
        if slots[slot].first == Self.none {
            let chunk = allocate(payload)
            slots[slot] = Slot(first: chunk, last: chunk, lastCount: 0)
        } else if slots[slot].lastCount == Self.chunkSize {
            let chunk = allocate(payload)
            next[Int(slots[slot].last)] = chunk
            (slots[slot].last, slots[slot].lastCount) = (chunk, 0)
        }
        events[Int(slots[slot].last) * Self.chunkSize + Int(slots[slot].lastCount)] = payload
        slots[slot].lastCount += 1
    }

    /// A chunk that no slot has.
    private mutating func allocate(_ payload: Payload) -> UInt32 {
        guard firstFree != Self.none else {
            events.append(contentsOf: repeatElement(payload, count: Self.chunkSize))
            next.append(Self.none)
            return UInt32(next.count - 1)
        }
        defer { firstFree = next[Int(firstFree)] }
        return firstFree
    }
}
