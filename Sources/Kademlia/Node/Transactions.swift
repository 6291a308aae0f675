import HeapModule
import Primitives

/// What an answer to one of our queries is for.
enum Purpose: Equatable, Sendable {
    case lookup(LookupReference, Lookup.Asked)
    case announce(LookupReference, store: Int)
    /// An announce was refused for its token, and a new one was asked for.
    case token(LookupReference, store: Int)
    /// A sign of life of a contact, or of one that may become a contact.
    case upkeep
    case verification
    /// The owner wants to know.
    case ping
}

enum Verb: Equatable, Sendable { case ping, findNode, getPeers, announcePeer, get, put, sampleInfoHashes }

/// One query of ours in flight.
struct Transaction: Equatable, Sendable {
    let endpoint: Endpoint
    let home: HomeIndex
    let verb: Verb
    /// Whom we believe to be there, if we know.
    let expectedID: NodeID?
    let purpose: Purpose
    let sentAt: Instant
    /// None of our contacts, as far as we know.
    var isHearsay = false
}

/// Our queries in flight, found again by their number, endpoint and home together.
///
/// A number is 12 bits of slot and 20 random bits, so it is found without hashing and not guessed without luck.
/// A query is `waiting`, then `stalled`, then gone: answered at any time, or timed out.
struct Transactions: Sendable {
    private struct Slot {
        var transaction: Transaction?
        var number: UInt32 = 0
        var hasStalled = false
    }

    /// A moment at which a query may stall or time out; one that was answered meanwhile is passed over.
    private struct Deadline: Comparable {
        let at: Instant
        let number: UInt32
        let isStall: Bool

        static func < (left: Deadline, right: Deadline) -> Bool { left.at < right.at }
    }

    enum Due: Equatable {
        /// Silent for the stall timeout; the answer may still come.
        case stalled(Transaction)
        case timedOut(Transaction)
    }

    private static let slotBits = 12
    private static let slotMask: UInt32 = 1 << 12 - 1

    private let limit: Int
    private let timeout: Duration
    /// The transactions' own: who sees other random choices of ours learns nothing about our numbers.
    private var generator: SeededGenerator
    private var slots: [Slot] = []
    private var free: [UInt16] = []
    private var deadlines = Heap<Deadline>()

    init(limit: Int, timeout: Duration, generator: SeededGenerator) {
        self.generator = generator
        self.limit = min(max(limit, 1), 1 << Self.slotBits)
        self.timeout = timeout
    }

    var count: Int { slots.count - free.count }
    var isFull: Bool { free.isEmpty && slots.count >= limit }

    var nextDeadline: Instant? { deadlines.min?.at }

    /// Reads a little, see `Node.touch`.
    func touch() -> Int { slots.count &+ free.count &+ deadlines.count }

    /// Registers a query about to be sent; returns its number, or nil when too many are in flight.
    mutating func begin(_ transaction: Transaction, stallTimeout: Duration) -> UInt32? {
        let slot: Int
        if let last = free.popLast() {
            slot = Int(last)
        } else {
            guard slots.count < limit else { return nil }
            slot = slots.count
            slots.append(Slot())
        }
        let number = UInt32(truncatingIfNeeded: generator.next()) & ~Self.slotMask | UInt32(slot)
        slots[slot] = Slot(transaction: transaction, number: number)
        let stallsAt = transaction.sentAt + min(stallTimeout, timeout)
        deadlines.insert(Deadline(at: stallsAt, number: number, isStall: true))
        return number
    }

    /// Ends the query that an answer belongs to; nil when there is none with this number, endpoint and home.
    mutating func finish(number: UInt32, from endpoint: Endpoint, at home: HomeIndex) -> Transaction? {
        let slot = Int(number & Self.slotMask)
        guard slot < slots.count, slots[slot].number == number, let transaction = slots[slot].transaction,
            transaction.endpoint == endpoint, transaction.home == home
        else { return nil }
        release(slot)
        return transaction
    }

    /// The next query that has stalled or timed out by now.
    mutating func popDue(now: Instant) -> Due? {
        while let deadline = deadlines.min, deadline.at <= now {
            deadlines.removeMin()
            guard let transaction = live(deadline) else { continue }
            let slot = Int(deadline.number & Self.slotMask)
            guard deadline.isStall else {
                release(slot)
                return .timedOut(transaction)
            }
            slots[slot].hasStalled = true
            let timesOutAt = max(transaction.sentAt + timeout, now)
            deadlines.insert(Deadline(at: timesOutAt, number: deadline.number, isStall: false))
            return .stalled(transaction)
        }
        return nil
    }

    /// Whether a query that was meant as `deadline` says is still unanswered.
    private func live(_ deadline: Deadline) -> Transaction? {
        let slot = Int(deadline.number & Self.slotMask)
        guard slot < slots.count, slots[slot].number == deadline.number,
            slots[slot].hasStalled != deadline.isStall
        else { return nil }
        return slots[slot].transaction
    }

    private mutating func release(_ slot: Int) {
        slots[slot] = Slot()
        free.append(UInt16(slot))
        if count == 0 {
            // An idle node holds nothing: that is most nodes of a large simulation, most of the time.
            slots = []
            free = []
            deadlines = Heap()
            return
        }
        // Deadlines of answered queries leave when they come to the front, so the front is always real.
        while let deadline = deadlines.min, live(deadline) == nil { deadlines.removeMin() }
    }
}
