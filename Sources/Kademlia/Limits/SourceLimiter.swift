import Digest
package import Primitives

/// How many queries one source may send: a token bucket for each, in a table of bounded size.
///
/// The table is 4-way associative under a keyed hash, so nobody can choose addresses that crowd out a victim's
/// neighbours. It grows while live buckets collide and then forgets the fullest bucket of four, which is the one that
/// loses least by starting anew.
package struct SourceLimiter: Sendable {
    private struct Slot {
        /// 0: free.
        var tag: UInt32 = 0
        /// Milliseconds of the caller's clock, wrapping.
        var stamp: UInt32 = 0
        /// Thousandths of a query left.
        var level: Int64 = 0
    }

    private static let ways = 4

    private let rate: Int
    private let burst: Int
    private let slotLimit: Int
    private let hash: SipHash
    private var slots: [Slot] = []
    /// Sources that were forgotten while they still had something to forget.
    package private(set) var forgottenCount = 0

    /// `queriesPerSecond` refill a bucket that holds `burst`.
    package init(queriesPerSecond: Int, burst: Int, slotLimit: Int, key: (UInt64, UInt64)) {
        rate = queriesPerSecond
        self.burst = burst
        self.slotLimit = max(slotLimit, Self.ways)
        hash = SipHash(key: key)
    }

    package var trackedSourceCount: Int { slots.reduce(0) { $0 + ($1.tag == 0 ? 0 : 1) } }

    /// Takes one query from the source's bucket; false when it is empty.
    package mutating func admits(_ source: Endpoint, now: Instant) -> Bool {
        if slots.isEmpty { slots = Array(repeating: Slot(), count: min(64, slotLimit / Self.ways * Self.ways)) }
        let key = key(of: source)
        let milliseconds = UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000)
        var position = slot(for: key, at: milliseconds)
        if position == nil, grow(at: milliseconds) { position = slot(for: key, at: milliseconds) }
        let chosen = position ?? fullest(for: key, at: milliseconds)
        if position == nil { forgottenCount += 1 }
        if slots[chosen].tag != Self.tag(key) || position == nil {
            slots[chosen] = Slot(tag: Self.tag(key), stamp: milliseconds, level: Int64(burst) * 1000)
        }
        slots[chosen].level = level(of: slots[chosen], at: milliseconds)
        slots[chosen].stamp = milliseconds
        guard slots[chosen].level >= 1000 else { return false }
        slots[chosen].level -= 1000
        return true
    }

    private func level(of slot: Slot, at milliseconds: UInt32) -> Int64 {
        let elapsed = Int64(milliseconds &- slot.stamp)
        return min(Int64(burst) * 1000, slot.level + elapsed * Int64(rate))
    }

    /// The source's slot, or a free one, or one whose bucket is full again and so carries no information.
    private func slot(for key: UInt64, at milliseconds: UInt32) -> Int? {
        let ways = ways(of: key)
        if let found = ways.first(where: { slots[$0].tag == Self.tag(key) }) { return found }
        return ways.first { slots[$0].tag == 0 || level(of: slots[$0], at: milliseconds) >= Int64(burst) * 1000 }
    }

    private func fullest(for key: UInt64, at milliseconds: UInt32) -> Int {
        var best = ways(of: key).lowerBound
        for way in ways(of: key)
        where level(of: slots[way], at: milliseconds) > level(of: slots[best], at: milliseconds) {
            best = way
        }
        return best
    }

    private mutating func grow(at milliseconds: UInt32) -> Bool {
        guard slots.count * 2 <= slotLimit else { return false }
        // A tag does not say which set a slot belongs to after doubling, so both twins keep it: the copy that its
        // source never finds again fills up with time and is reused.
        slots += slots
        return true
    }

    private func ways(of key: UInt64) -> Range<Int> {
        let set = Int(key >> 32) % (slots.count / Self.ways)
        return set * Self.ways..<(set + 1) * Self.ways
    }

    private static func tag(_ key: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: key) | 1 }

    private func key(of source: Endpoint) -> UInt64 {
        let words = source.words
        return hash.hash(words.span.bytes)
    }
}
