import HeapModule
import PeerProtocol
import Primitives

/// The candidates that may be called at once, in the order of calling.
///
/// The sources take turns, so that a flood from one of them delays the others by a constant factor at most. Within a
/// source its namers (the peer, node or tracker that named them) or, where there is none, the networks take turns;
/// within one of those the order is the canonical priority (BEP 40) where our address is known, then the order of
/// arrival.
struct CandidateOrder {
    /// What takes turns.
    enum Turn: Int, CaseIterable {
        /// We had a handshake with it before.
        case answered
        /// Given by the user or the magnet.
        case given
        case tracker
        case neighbour
        case dht
        case exchange
        /// At a host where attempts have failed and none has succeeded.
        case doubtful
        /// A retry.
        case again
    }

    struct Entry: Comparable {
        /// A peer claims to have reached it.
        var isReachable = false
        var priority: PeerPriority?
        let number: Int
        let endpoint: Endpoint

        private var rank: (Int, UInt32) { (isReachable ? 1 : 0, priority?.rawValue ?? 0) }

        static func < (left: Entry, right: Entry) -> Bool {
            left.rank == right.rank ? left.number > right.number : left.rank < right.rank
        }

        static func == (left: Entry, right: Entry) -> Bool { left.number == right.number }
    }

    /// The groups of one turn.
    ///
    /// They go in rounds: in each round every group has one entry called, and those of a round go by rank.
    private struct Line {
        private struct Group {
            var entries: Heap<Entry> = []
            var round: Int
        }

        private struct Head: Comparable {
            let round: Int
            let entry: Entry
            let group: Endpoint

            static func < (left: Head, right: Head) -> Bool {
                left.round == right.round ? left.entry < right.entry : left.round > right.round
            }
        }

        private var groups: [Endpoint: Group] = [:]
        /// The best of each group; some entries no longer count.
        private var heads: Heap<Head> = []
        private var round = 0

        mutating func insert(_ entry: Entry, group: Endpoint) {
            var changed = groups.removeValue(forKey: group) ?? Group(round: round)
            changed.entries.insert(entry)
            if changed.entries.max == entry { heads.insert(Head(round: changed.round, entry: entry, group: group)) }
            groups[group] = changed
        }

        mutating func popFirst() -> Entry? {
            while let head = heads.popMax() {
                guard var group = groups[head.group], group.round == head.round, group.entries.max == head.entry else {
                    continue
                }
                groups[head.group] = nil
                round = head.round
                group.entries.removeMax()
                group.round = round + 1
                guard let next = group.entries.max else { return head.entry }
                heads.insert(Head(round: group.round, entry: next, group: head.group))
                groups[head.group] = group
                return head.entry
            }
            return nil
        }

        /// Changes all entries; those for which `change` returns nil are dropped.
        mutating func map(_ change: (Entry) -> Entry?) {
            groups = groups.mapValues { group in
                Group(entries: Heap(group.entries.unordered.compactMap(change)), round: group.round)
            }
            groups = groups.filter { !$0.value.entries.isEmpty }
            heads = Heap(
                groups.compactMap { key, group in
                    group.entries.max.map { Head(round: group.round, entry: $0, group: key) }
                })
        }

        var count: Int { groups.values.reduce(0) { $0 + $1.entries.count } }
    }

    private var lines = Array(repeating: Line(), count: Turn.allCases.count)
    private var nextTurn = 0
    /// Entries, including those that no longer count.
    private(set) var count = 0

    mutating func insert(_ entry: Entry, turn: Turn, group: Endpoint) {
        lines[turn.rawValue].insert(entry, group: group)
        count += 1
    }

    /// Retries only where they are wanted.
    mutating func popFirst(includingRetries: Bool) -> (entry: Entry, turn: Turn)? {
        for _ in Turn.allCases {
            let turn = Turn.allCases[nextTurn]
            nextTurn = (nextTurn + 1) % Turn.allCases.count
            guard turn != .again || includingRetries, let entry = lines[turn.rawValue].popFirst() else { continue }
            count -= 1
            return (entry, turn)
        }
        return nil
    }

    /// What came of this turn was not called: it is the same turn's again.
    mutating func repeatTurn(_ turn: Turn) { nextTurn = turn.rawValue }

    /// Changes all entries, and drops those for which `change` returns nil.
    mutating func map(_ change: (Entry) -> Entry?) {
        for turn in lines.indices { lines[turn].map(change) }
        count = lines.reduce(0) { $0 + $1.count }
    }
}
