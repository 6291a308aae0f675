import Swarm

/// What will happen at which tick; things of one tick happen in the order in which they were put down.
struct SwarmCalendar {
    enum Entry: Equatable {
        /// So many items of a lane reach its receiver.
        case arrival(lane: Int, items: Int)
        /// A call reaches whom it is for; `lane` is the caller's.
        case called(lane: Int)
        /// The caller learns that it is connected, or that it is not.
        case answered(lane: Int)
        case refused(lane: Int)
        /// A call to where nobody is.
        case unreachable(host: Int, PeerHandle)
        /// The receiver of the lane learns that its sender has closed.
        case closed(lane: Int)
        case joined(host: Int)
        /// The tracker answers the host's next announce.
        case announced(host: Int)
    }

    private var slots: [[Entry]]
    private(set) var tick = 0
    private(set) var count = 0

    /// Nothing is put down further ahead.
    init(horizonTicks: Int) {
        slots = Array(repeating: [], count: horizonTicks + 1)
    }

    mutating func put(_ entry: Entry, afterTicks delay: Int) {
        precondition(delay < slots.count, "beyond the calendar")
        slots[(tick + delay) % slots.count].append(entry)
        count += 1
    }

    /// Turns the page.
    mutating func advance() { tick += 1 }

    /// All of this tick so far; those that are put down meanwhile come with the next call.
    mutating func takeEntries() -> [Entry] {
        let slot = tick % slots.count
        guard !slots[slot].isEmpty else { return [] }
        defer { slots[slot].removeAll() }
        count -= slots[slot].count
        return slots[slot]
    }
}
