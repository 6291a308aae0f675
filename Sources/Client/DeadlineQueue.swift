import HeapModule
import Primitives
import Swarm

/// The next deadline of each torrent, the earliest first.
///
/// Changing a deadline leaves the old entry in the heap; it is recognised and dropped when it comes up.
struct DeadlineQueue {
    private var heap: Heap<Entry> = []
    private var current: [TorrentHandle: Instant] = [:]

    private struct Entry: Comparable {
        let at: Instant
        let torrent: TorrentHandle

        static func < (left: Entry, right: Entry) -> Bool { (left.at, left.torrent) < (right.at, right.torrent) }
    }

    /// May be earlier than the true next deadline, never later.
    var next: Instant? { heap.min?.at }

    mutating func set(_ deadline: Instant?, for torrent: TorrentHandle) {
        guard current[torrent] != deadline else { return }
        current[torrent] = deadline
        if let deadline { heap.insert(Entry(at: deadline, torrent: torrent)) }
    }

    /// A torrent whose deadline has come; it has none until `set` gives it one.
    mutating func due(now: Instant) -> TorrentHandle? {
        while let entry = heap.min, entry.at <= now {
            heap.removeMin()
            guard current[entry.torrent] == entry.at else { continue }
            current[entry.torrent] = nil
            return entry.torrent
        }
        return nil
    }
}
