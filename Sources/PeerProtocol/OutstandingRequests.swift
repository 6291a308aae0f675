import DequeModule
package import Primitives

/// Blocks that one side has asked for and not wholly received, in the order of asking: ours at a peer, or a peer's.
///
/// Peers answer mostly in order, so the head is looked at first; whatever comes out of order is found by its place in
/// the queue. All operations are constant time, amortised, at any depth.
package struct OutstandingRequests: Sendable {
    fileprivate struct Entry: Sendable {
        let block: BlockRequest
        let requestedAt: Instant
        /// Set on what was answered before older requests were; such entries leave when they reach the head.
        var isAnswered = false
    }

    /// The head, if any, is not answered.
    private var queue: Deque<Entry> = []
    /// Where in the queue the blocks are that wait, counted from the first that ever was in it.
    private var places: PlaceTable
    /// How many entries left the queue at its head.
    private var departed = 0
    /// When the block was asked for that left last.
    package private(set) var latestRequestedAt: Instant?

    /// Below this queue length gaps are not worth closing.
    private static let minimumQueueToCompact = 64

    /// Where the other side chooses the blocks, `seed` keeps it from knowing which of them collide.
    package init(seed: UInt64 = 0) {
        places = PlaceTable(seed: seed)
    }

    /// How many entries are kept, answered ones included: at most twice `count`, or a small constant.
    package var queueLength: Int { queue.count }
    package var count: Int { places.count }
    package var isEmpty: Bool { places.count == 0 }
    /// When the oldest request that still waits was made.
    package var oldestRequestedAt: Instant? { queue.first?.requestedAt }
    package var oldest: BlockRequest? { queue.first?.block }

    /// The oldest request, if a later one was answered before it.
    package var passedOver: BlockRequest? {
        queue.count > places.count ? queue.first?.block : nil
    }

    /// All blocks, oldest request first.
    package var blocks: [BlockRequest] {
        queue.lazy.filter { !$0.isAnswered }.map(\.block)
    }

    package func contains(_ block: BlockRequest) -> Bool {
        queue.first?.block == block || places.place(of: block, in: queue, departed: departed) != nil
    }

    /// False when the block is outstanding already: asking again changes nothing.
    @discardableResult
    package mutating func append(_ block: BlockRequest, at now: Instant) -> Bool {
        guard places.insert(block, at: departed + queue.count, in: queue, departed: departed) else { return false }
        queue.append(Entry(block: block, requestedAt: now))
        return true
    }

    /// False when the block was not outstanding.
    @discardableResult
    package mutating func remove(_ block: BlockRequest) -> Bool {
        guard let place = places.remove(block, in: queue, departed: departed) else { return false }
        queue[place - departed].isAnswered = true
        latestRequestedAt = queue[place - departed].requestedAt
        while queue.first?.isAnswered == true {
            queue.removeFirst()
            departed += 1
        }
        compactIfSparse()
        return true
    }

    /// Takes out the oldest.
    package mutating func popFirst() -> BlockRequest? {
        guard let block = queue.first?.block else { return nil }
        remove(block)
        return block
    }

    /// Forgets everything and returns it, oldest request first.
    mutating func removeAll() -> [BlockRequest] {
        let removed = blocks
        queue.removeAll(keepingCapacity: true)
        places.removeAll()
        return removed
    }

    /// A request that is never answered must not make the queue grow for ever behind it.
    private mutating func compactIfSparse() {
        guard queue.count >= OutstandingRequests.minimumQueueToCompact, queue.count > 2 * places.count else { return }
        queue.removeAll(where: \.isAnswered)
        places.fill(with: queue, departed: departed)
    }
}

/// Finds the place of a block in the queue: a hash table with linear probing that holds nothing but places.
///
/// Each block that is sent or received passes through it twice. With a `Dictionary` that was a fifteenth of a seeder's
/// work, most of it for a hash that withstands any attack; here less is enough, since all that a peer can fill is its
/// own queue.
private struct PlaceTable: Sendable {
    private(set) var count = 0
    /// A power of two of slots, half of them free at least; a free one holds -1.
    private var slots: [Int] = []
    private let seed: UInt64

    private static let free = -1
    private static let minimumSlots = 16

    init(seed: UInt64) {
        self.seed = seed
    }

    func place(of block: BlockRequest, in queue: Deque<OutstandingRequests.Entry>, departed: Int) -> Int? {
        guard count > 0 else { return nil }
        let place = slots[slot(of: block, in: queue, departed: departed)]
        return place == Self.free ? nil : place
    }

    /// False when the block has a place already.
    mutating func insert(
        _ block: BlockRequest, at place: Int, in queue: Deque<OutstandingRequests.Entry>, departed: Int
    ) -> Bool {
        if 2 * (count + 1) > slots.count { fill(with: queue, departed: departed) }
        let slot = slot(of: block, in: queue, departed: departed)
        guard slots[slot] == Self.free else { return false }
        slots[slot] = place
        count += 1
        return true
    }

    /// The place that the block had.
    mutating func remove(
        _ block: BlockRequest, in queue: Deque<OutstandingRequests.Entry>, departed: Int
    ) -> Int? {
        guard count > 0 else { return nil }
        var hole = slot(of: block, in: queue, departed: departed)
        let place = slots[hole]
        guard place != Self.free else { return nil }
        count -= 1
        // What comes behind moves up, unless it would stand before its home.
        let mask = slots.count - 1
        var next = (hole + 1) & mask
        while slots[next] != Self.free {
            let home = home(of: queue[slots[next] - departed].block)
            if (next - home) & mask >= (next - hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole] = Self.free
        return place
    }

    mutating func removeAll() {
        count = 0
        slots = []
    }

    /// Takes up what waits in the queue, with room for one more.
    mutating func fill(with queue: Deque<OutstandingRequests.Entry>, departed: Int) {
        var size = Self.minimumSlots
        while size < 2 * (count + 1) { size *= 2 }
        slots = Array(repeating: Self.free, count: size)
        for (index, entry) in queue.enumerated() where !entry.isAnswered {
            slots[slot(of: entry.block, in: queue, departed: departed)] = departed + index
        }
    }

    /// The slot of the block, or the free one that it would have.
    private func slot(of block: BlockRequest, in queue: Deque<OutstandingRequests.Entry>, departed: Int) -> Int {
        let mask = slots.count - 1
        var slot = home(of: block)
        while slots[slot] != Self.free, queue[slots[slot] - departed].block != block { slot = (slot + 1) & mask }
        return slot
    }

    /// The finalizer of SplitMix64: each bit of a block decides about each bit of its home.
    private func home(of block: BlockRequest) -> Int {
        let length = UInt64(truncatingIfNeeded: block.length) &* 0x9E37_79B9_7F4A_7C15
        var hash = UInt64(truncatingIfNeeded: block.piece << 32 ^ block.offset) ^ length ^ seed
        hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
        return Int(truncatingIfNeeded: hash ^ hash >> 31) & (slots.count - 1)
    }
}
