import HeapModule
import Primitives

/// A running lookup, named so that a late answer to a finished one finds nothing.
struct LookupReference: Equatable, Sendable {
    var slot: Int
    var serial: UInt32
}

/// One lookup of the caller or of the node itself, over all families that take part.
struct RunningLookup: Sendable {
    enum Owner: Equatable, Sendable {
        case caller(LookupID)
        /// A bootstrap, or the renewal of what we know about our neighbourhood.
        case node(HomeIndex)
    }

    struct Leg: Sendable {
        let home: HomeIndex
        var lookup: Lookup
    }

    let owner: Owner
    let target: ID160
    let purpose: LookupPurpose
    let startedAt: Instant
    /// One for each home that takes part, in the order of homes.
    var legs: [Leg]
    /// Peers that were reported: never iterated.
    var peers: Set<Endpoint> = []
    /// How many of these each host has, in public mode: never iterated.
    var peersByHost: [Endpoint: Int] = [:]
    var harvest = Harvest()
    fileprivate(set) var armedFor: Instant = .distantFuture

    init(owner: Owner, target: ID160, purpose: LookupPurpose, startedAt: Instant, legs: [Leg]) {
        self.owner = owner
        self.target = target
        self.purpose = purpose
        self.startedAt = startedAt
        self.legs = legs
    }

    func legIndex(of home: HomeIndex) -> Int? { legs.firstIndex { $0.home == home } }

    /// When the legs that got no answer at all stop holding up those that are done: a host whose IPv6 leads nowhere
    /// should not notice.
    ///
    /// Nil while no leg is done, or all are.
    func abandonsSilentLegsAt(_ patience: Duration) -> Instant? {
        let isOneDone = legs.contains { $0.lookup.phase == .finished && $0.lookup.answeredCount > 0 }
        let isRestSilent = legs.allSatisfy { $0.lookup.phase == .finished || $0.lookup.answeredCount == 0 }
        return isOneDone && isRestSilent ? startedAt + patience : nil
    }

    func isFinished(now: Instant, patience: Duration) -> Bool {
        if legs.allSatisfy({ $0.lookup.phase == .finished }) { return true }
        return abandonsSilentLegsAt(patience).map { $0 <= now } ?? false
    }

    func report(now: Instant) -> LookupReport {
        var report = LookupReport()
        for leg in legs {
            report.queried += leg.lookup.queriedCount
            report.answered += leg.lookup.answeredCount
            report.announcedTo += leg.lookup.announcedCount
            report.closest += leg.lookup.closest
        }
        report.unanswered = max(0, report.queried - report.answered)
        report.peers = peers.count
        harvest.describe(&report)
        report.duration = startedAt.duration(to: now)
        return report
    }
}

/// The running lookups and their timers.
struct Lookups: Sendable {
    private struct Timer: Comparable {
        let at: Instant
        let reference: LookupReference

        static func < (left: Timer, right: Timer) -> Bool { left.at < right.at }
    }

    private let limit: Int
    private var slots: [(serial: UInt32, lookup: RunningLookup?)] = []
    private var free: [Int] = []
    private var timers = Heap<Timer>()
    private var lastSerial: UInt32 = 0

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { slots.count - free.count }
    var nextDeadline: Instant? { timers.min?.at }

    /// Nil when too many are running.
    mutating func add(_ lookup: RunningLookup) -> LookupReference? {
        if free.isEmpty {
            guard slots.count < limit else { return nil }
            free.append(slots.count)
            slots.append((0, nil))
        }
        let slot = free.removeLast()
        lastSerial &+= 1
        slots[slot] = (lastSerial, lookup)
        return LookupReference(slot: slot, serial: lastSerial)
    }

    func reference(of owner: RunningLookup.Owner) -> LookupReference? {
        slots.indices.first { slots[$0].lookup?.owner == owner }
            .map { LookupReference(slot: $0, serial: slots[$0].serial) }
    }

    /// The running ones that satisfy a condition, oldest slot first.
    func references(where condition: (RunningLookup) -> Bool) -> [LookupReference] {
        guard count > 0 else { return [] }
        return slots.indices.filter { slots[$0].lookup.map(condition) ?? false }
            .map { LookupReference(slot: $0, serial: slots[$0].serial) }
    }

    /// Hands the lookup over, to be changed without copying it; `putBack` or `remove` has to follow.
    mutating func take(_ reference: LookupReference) -> RunningLookup? {
        guard reference.slot < slots.count, slots[reference.slot].serial == reference.serial else { return nil }
        return slots[reference.slot].lookup.take()
    }

    /// Puts a taken lookup back, to be woken at `wakesAt` at the latest.
    mutating func putBack(_ lookup: consuming RunningLookup, _ reference: LookupReference, wakesAt: Instant?) {
        if let wakesAt, wakesAt < lookup.armedFor {
            lookup.armedFor = wakesAt
            timers.insert(Timer(at: wakesAt, reference: reference))
        }
        slots[reference.slot].lookup = lookup
    }

    /// Forgets a lookup, taken or not.
    mutating func remove(_ reference: LookupReference) {
        guard reference.slot < slots.count, slots[reference.slot].serial == reference.serial else { return }
        slots[reference.slot] = (0, nil)
        free.append(reference.slot)
        if count == 0 {
            // Storage is given back: most nodes of a large simulation look nothing up most of the time.
            slots = []
            free = []
            timers = Heap()
        }
        while let timer = timers.min, !isRunning(timer.reference) { timers.removeMin() }
    }

    /// A lookup whose time has come.
    mutating func popDue(now: Instant) -> LookupReference? {
        while let timer = timers.min, timer.at <= now {
            timers.removeMin()
            guard isRunning(timer.reference) else { continue }
            slots[timer.reference.slot].lookup?.armedFor = .distantFuture
            return timer.reference
        }
        return nil
    }

    private func isRunning(_ reference: LookupReference) -> Bool {
        reference.slot < slots.count && slots[reference.slot].serial == reference.serial
    }
}
