/// What a table of sources remembers about one of them.
protocol AssociativeSlot: Sendable {
    init()
    /// A keyed hash; 0: free.
    var key: UInt64 { get }
}

/// A table of bounded size under keyed hashes, 4-way associative, so that nobody can choose addresses that crowd out a
/// victim's neighbours.
///
/// It takes no memory until its first use, grows while slots that matter collide, and at its limit forgets the slot of
/// four that matters least.
struct AssociativeTable<Slot: AssociativeSlot>: Sendable {
    private static var ways: Int { 4 }
    private static var firstSlotCount: Int { 16 }

    private let slotLimit: Int
    private var slots: [Slot] = []
    /// Slots that were forgotten while they still mattered.
    private(set) var forgottenCount = 0

    init(slotLimit: Int) {
        self.slotLimit = max(slotLimit, Self.ways)
    }

    var usedCount: Int { slots.reduce(0) { $0 + ($1.key == 0 ? 0 : 1) } }

    subscript(position: Int) -> Slot {
        _read { yield slots[position] }
        _modify { yield &slots[position] }
    }

    func position(of key: UInt64) -> Int? {
        slots.isEmpty ? nil : ways(of: key).first { slots[$0].key == key }
    }

    /// The slot of the key, or else one to take over, still with what it had.
    ///
    /// - Parameter worth: how much is lost if a slot is forgotten; 0: nothing.
    mutating func makePosition(of key: UInt64, worth: (Slot) -> Int) -> Int {
        if slots.isEmpty {
            slots = Array(repeating: Slot(), count: min(Self.firstSlotCount, slotLimit / Self.ways * Self.ways))
        }
        while true {
            let ways = ways(of: key)
            for way in ways where slots[way].key == key { return way }
            var (least, leastWorth) = (ways.lowerBound, Int.max)
            for way in ways {
                let worth = slots[way].key == 0 ? 0 : worth(slots[way])
                if worth < leastWorth { (least, leastWorth) = (way, worth) }
            }
            if leastWorth == 0 { return least }
            guard slots.count * 2 <= slotLimit else {
                forgottenCount += 1
                return least
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
        let set = Int(truncatingIfNeeded: ((key >> 32) * UInt64(slots.count / Self.ways)) >> 32)
        return set * Self.ways..<(set + 1) * Self.ways
    }
}
