import Digest
package import Primitives

/// How many queries one source may send: a token bucket for each, in a table of bounded size.
///
/// The table is 4-way associative under a keyed hash, so nobody can choose addresses that crowd out a victim's
/// neighbours. It grows while live buckets collide and then forgets the fullest bucket of four, which is the one that
/// loses least by starting anew.
package struct SourceLimiter: Sendable {
    private struct Slot {
        /// The keyed hash of the source; 0: free.
        var key: UInt64 = 0
        /// Milliseconds of the caller's clock, wrapping.
        var stamp: UInt32 = 0
        /// Thousandths of a query left.
        var level: Int32 = 0
    }

    private static let ways = 4

    private let rate: Int
    /// Thousandths of a query.
    private let capacity: Int
    private let slotLimit: Int
    private let hash: SipHash
    private var slots: [Slot] = []
    /// Sources that were forgotten while they still had something to forget.
    package private(set) var forgottenCount = 0

    /// `queriesPerSecond` refill a bucket that holds `burst`.
    package init(queriesPerSecond: Int, burst: Int, slotLimit: Int, key: (UInt64, UInt64)) {
        rate = queriesPerSecond
        capacity = min(burst * 1000, Int(Int32.max))
        self.slotLimit = max(slotLimit, Self.ways)
        hash = SipHash(key: key)
    }

    package var trackedSourceCount: Int { slots.reduce(0) { $0 + ($1.key == 0 ? 0 : 1) } }

    /// Takes one query from the source's bucket; false when it is empty.
    package mutating func admits(_ source: Endpoint, now: Instant) -> Bool {
        if slots.isEmpty { slots = Array(repeating: Slot(), count: min(64, slotLimit / Self.ways * Self.ways)) }
        let key = key(of: source)
        let milliseconds = UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000)
        let position = slot(for: key, at: milliseconds)
        if slots[position].key != key {
            slots[position] = Slot(key: key, stamp: milliseconds, level: Int32(capacity))
        }
        let level = level(of: slots[position], at: milliseconds)
        slots[position].stamp = milliseconds
        slots[position].level = Int32(level >= 1000 ? level - 1000 : level)
        return level >= 1000
    }

    private func level(of slot: Slot, at milliseconds: UInt32) -> Int {
        min(capacity, Int(slot.level) + Int(milliseconds &- slot.stamp) * rate)
    }

    /// The source's slot, or one to take over: free, or full again and so without information, or after growth.
    private mutating func slot(for key: UInt64, at milliseconds: UInt32) -> Int {
        while true {
            let ways = ways(of: key)
            if let own = ways.first(where: { slots[$0].key == key }) { return own }
            var fullest = ways.lowerBound
            for way in ways {
                if slots[way].key == 0 { return way }
                if level(of: slots[way], at: milliseconds) > level(of: slots[fullest], at: milliseconds) {
                    fullest = way
                }
            }
            if level(of: slots[fullest], at: milliseconds) == capacity { return fullest }
            guard slots.count * 2 <= slotLimit else {
                forgottenCount += 1
                return fullest
            }
            grow()
        }
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: old.count * 2)
        for (position, slot) in old.enumerated() where slot.key != 0 {
            // Its set is now the old one or the old one's twin, where nobody else goes: the same way is free.
            slots[ways(of: slot.key).lowerBound + position % Self.ways] = slot
        }
    }

    private func ways(of key: UInt64) -> Range<Int> {
        let set = Int(key >> 32) % (slots.count / Self.ways)
        return set * Self.ways..<(set + 1) * Self.ways
    }

    private func key(of source: Endpoint) -> UInt64 {
        let words = source.words
        return max(1, hash.hash(words.span.bytes))
    }
}
