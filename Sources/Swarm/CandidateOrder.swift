import HeapModule
import PeerProtocol
import Primitives

/// The candidates that may be called at once, in the order of calling.
///
/// Those that somebody vouches for take turns with the others, so that whoever vouches for many black holes holds up
/// half of the calls at most. Among each, by the canonical priority (BEP 40) where our address is known, then as found.
struct CandidateOrder {
    private var vouchedFor: Heap<Entry> = []
    private var others: Heap<Entry> = []
    private var nextNumber = 0
    private var isTurnOfOthers = false

    private struct Entry: Comparable {
        var priority: PeerPriority?
        let number: Int
        let endpoint: Endpoint

        static func < (left: Entry, right: Entry) -> Bool {
            (left.priority?.rawValue ?? 0, right.number) < (right.priority?.rawValue ?? 0, left.number)
        }
    }

    var isEmpty: Bool { vouchedFor.isEmpty && others.isEmpty }

    mutating func insert(_ endpoint: Endpoint, priority: PeerPriority?, isVouchedFor: Bool) {
        let entry = Entry(priority: priority, number: nextNumber, endpoint: endpoint)
        nextNumber += 1
        if isVouchedFor { vouchedFor.insert(entry) } else { others.insert(entry) }
    }

    mutating func popFirst() -> Endpoint? {
        isTurnOfOthers.toggle()
        let entry = isTurnOfOthers ? vouchedFor.popMax() ?? others.popMax() : others.popMax() ?? vouchedFor.popMax()
        return entry?.endpoint
    }

    /// Our own address has become known or has changed.
    mutating func reorder(_ priority: (Endpoint) -> PeerPriority?) {
        for list in [\CandidateOrder.vouchedFor, \.others] {
            self[keyPath: list] = Heap(
                self[keyPath: list].unordered.map {
                    Entry(priority: priority($0.endpoint), number: $0.number, endpoint: $0.endpoint)
                })
        }
    }
}
