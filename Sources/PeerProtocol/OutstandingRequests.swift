import DequeModule
package import Primitives

/// Blocks that one side has asked for and not wholly received, in the order of asking: ours at a peer, or a peer's.
///
/// Peers answer mostly in order, so the head is looked at first; whatever comes out of order is found by its place in
/// the queue. All operations are constant time, amortised, at any depth.
package struct OutstandingRequests: Sendable {
    private struct Entry: Sendable {
        let block: BlockRequest
        let requestedAt: Instant
        /// Set on what was answered before older requests were; such entries leave when they reach the head.
        var isAnswered = false
    }

    /// The head, if any, is not answered.
    private var queue: Deque<Entry> = []
    /// Place in the queue plus `departed`; only looked up, never iterated.
    private var places: [BlockRequest: Int] = [:]
    /// How many entries left the queue at its head.
    private var departed = 0
    /// When the block was asked for that left last.
    package private(set) var latestRequestedAt: Instant?

    /// Below this queue length gaps are not worth closing.
    private static let minimumQueueToCompact = 64

    package init() {}

    /// How many entries are kept, answered ones included: at most twice `count`, or a small constant.
    package var queueLength: Int { queue.count }
    package var count: Int { places.count }
    package var isEmpty: Bool { places.isEmpty }
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
        queue.first?.block == block || places[block] != nil
    }

    /// Asking again for a block that is outstanding changes nothing.
    package mutating func append(_ block: BlockRequest, at now: Instant) {
        guard places[block] == nil else { return }
        places[block] = departed + queue.count
        queue.append(Entry(block: block, requestedAt: now))
    }

    /// False when the block was not outstanding.
    @discardableResult
    package mutating func remove(_ block: BlockRequest) -> Bool {
        guard let place = places.removeValue(forKey: block) else { return false }
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
        places.removeAll(keepingCapacity: true)
        return removed
    }

    /// A request that is never answered must not make the queue grow for ever behind it.
    private mutating func compactIfSparse() {
        guard queue.count >= OutstandingRequests.minimumQueueToCompact, queue.count > 2 * places.count else { return }
        queue.removeAll(where: \.isAnswered)
        for (place, entry) in queue.enumerated() { places[entry.block] = departed + place }
    }
}
