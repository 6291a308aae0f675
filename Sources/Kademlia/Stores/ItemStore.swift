package import KRPC
package import Primitives

/// The items that others stored with us (BEP 44), bounded in number.
///
/// Each is charged to a network that stores it. A full store makes room at the cost of the network that has the most:
/// a flood from one network displaces itself.
package struct ItemStore: Sendable {
    private struct Entry {
        let target: ID160
        var item: Item
        /// Whose host and network the item is charged to.
        var holder: Endpoint
        var expiresAt: Instant
    }

    private let limit: Int
    private let lifetime: Duration
    private var index: [ID160: Int] = [:]
    private var entries: [Entry] = []
    private var holders = HolderTable<ID160>()
    private var sweepPosition = 0
    /// What verifying signatures may cost, made when the first is verified.
    private var signatureChecks: TokenBucket?
    private let checksPerSecond: Int
    /// What each network (each endpoint in private networks) may have of them while more than half are used up.
    private var checkShares: SourceLimiter
    private let hash: KeyedHash
    private let isPublic: Bool

    package private(set) var evictedCount = 0

    /// - Parameter key: random, so that no attacker can choose whose share is forgotten.
    package init(configuration: Configuration, key: (UInt64, UInt64)) {
        limit = configuration.limits.itemCount
        checksPerSecond = configuration.limits.signatureChecksPerSecond
        lifetime = configuration.itemLifetime
        isPublic = configuration.networkMode == .public
        hash = KeyedHash(key: key)
        let share = max(1, checksPerSecond / 8)
        checkShares = SourceLimiter(
            SourceLimiter.Rules(
                queriesPerSecond: share, queryBurst: share, slotLimit: configuration.budgets.trackedNetworkCount))
    }

    package var count: Int { entries.count }

    package func item(of target: ID160, now: Instant) -> Item? {
        guard let position = index[target], entries[position].expiresAt > now else { return nil }
        return entries[position].item
    }

    /// Whether a signature that came from `source` may be verified now: each takes a seventh of a millisecond.
    package mutating func takeSignatureCheck(from source: Endpoint, now: Instant) -> Bool {
        var checks =
            signatureChecks ?? TokenBucket(perSecond: checksPerSecond, burst: checksPerSecond, now: now)
        defer { signatureChecks = checks }
        checks.refill(now: now)
        guard checks.has(reserveEighths: 0) else { return false }
        if !checks.has(reserveEighths: 4) {
            let key = hash.key(of: isPublic ? source.prefix : source)
            guard checkShares.entered(key, byteCount: 0, now: now) != nil else { return false }
        }
        checks.take(1)
        return true
    }

    /// Stores an item that was checked, or renews it; false when nothing is stored here at all.
    package mutating func put(_ item: Item, at target: ID160, from source: Endpoint, now: Instant) -> Bool {
        guard limit > 0 else { return false }
        let expiresAt = now + lifetime
        if let position = index[target] {
            entries[position].item = item
            entries[position].expiresAt = expiresAt
            renew(position, from: source)
            return true
        }
        if entries.count >= limit, let victim = holders.greediest.flatMap({ index[$0] }) {
            evictedCount += 1
            remove(at: victim)
        }
        index[target] = entries.count
        entries.append(Entry(target: target, item: item, holder: source, expiresAt: expiresAt))
        holders.insert(target, heldBy: source)
        return true
    }

    /// The item is as new as its last put, and charged to the network that holds less of those that stored it: who
    /// stores an item of others first cannot take it along.
    private mutating func renew(_ position: Int, from source: Endpoint) {
        let entry = entries[position]
        let isLess = holders.count(ofPrefixOf: source) + 1 < holders.count(ofPrefixOf: entry.holder)
        if isLess { entries[position].holder = source }
        holders.remove(entry.target)
        holders.insert(entry.target, heldBy: entries[position].holder)
    }

    /// Frees what has expired among the next `count` items.
    ///
    /// Readers never see expired ones, swept or not.
    package mutating func sweep(_ count: Int, now: Instant) {
        for _ in 0..<min(count, entries.count) {
            if sweepPosition >= entries.count { sweepPosition = 0 }
            if entries[sweepPosition].expiresAt <= now { remove(at: sweepPosition) } else { sweepPosition += 1 }
        }
    }

    private mutating func remove(at position: Int) {
        let entry = entries[position]
        index[entry.target] = nil
        holders.remove(entry.target)
        let last = entries.removeLast()
        guard position < entries.count else { return }
        entries[position] = last
        index[last.target] = position
    }
}
