import HeapModule
import Primitives

/// The deadlines of rounds and announces, the earliest first.
///
/// Changing a deadline leaves the old entry in the heap; it is recognised and dropped when it comes to the front.
struct AnnounceDeadlines {
    private var heap: Heap<Entry> = []
    private var current: [Subject: Instant] = [:]

    enum Subject: Hashable, Comparable {
        case round(Int)
        case announce(AnnounceNumber)
        /// Of an announce that others wait for.
        case slow(AnnounceNumber)
        /// Of a tracker, by its place in the list.
        case scrape(Int)
    }

    private struct Entry: Comparable {
        let at: Instant
        let subject: Subject

        static func < (left: Entry, right: Entry) -> Bool { (left.at, left.subject) < (right.at, right.subject) }
    }

    var next: Instant? { heap.min?.at }

    mutating func set(_ deadline: Instant?, for subject: Subject) {
        guard current[subject] != deadline else { return }
        current[subject] = deadline
        if let deadline { heap.insert(Entry(at: deadline, subject: subject)) }
        dropStale()
    }

    /// Something whose deadline has come; it has none until `set` gives it one.
    mutating func due(now: Instant) -> Subject? {
        guard let entry = heap.min, entry.at <= now else { return nil }
        current[entry.subject] = nil
        dropStale()
        return entry.subject
    }

    /// Leaves a true deadline in front, so that nobody is woken for nothing.
    private mutating func dropStale() {
        while let entry = heap.min, current[entry.subject] != entry.at { heap.removeMin() }
    }
}
