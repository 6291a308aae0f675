package import KRPC
package import Primitives

/// The items that others stored with us (BEP 44), bounded in number.
///
/// A full store makes room at the cost of whoever takes most of it: of a few drawn at random goes the item whose
/// network has the most here, and of those the one that would expire first. So a flood from one network displaces
/// itself.
package struct ItemStore: Sendable {
    private struct Entry {
        let target: ID160
        var item: Item
        var network: Endpoint
        var expiresAt: Instant
    }

    private static let victimsDrawn = 16

    private let limit: Int
    private let lifetime: Duration
    private let isPublic: Bool
    private var index: [ID160: Int] = [:]
    private var entries: [Entry] = []
    /// How many entries each network has; never iterated.
    private var shares: [Endpoint: Int] = [:]
    private var sweepPosition = 0
    /// What verifying signatures may cost, made when the first is verified.
    private var signatureChecks: TokenBucket?
    private let checksPerSecond: Int

    package private(set) var evictedCount = 0

    package init(configuration: Configuration) {
        limit = configuration.limits.itemCount
        checksPerSecond = configuration.limits.signatureChecksPerSecond
        lifetime = configuration.itemLifetime
        isPublic = configuration.networkMode == .public
    }

    package var count: Int { entries.count }

    package func item(of target: ID160, now: Instant) -> Item? {
        guard let position = index[target], entries[position].expiresAt > now else { return nil }
        return entries[position].item
    }

    /// Whether a signature may be verified now: each takes a seventh of a millisecond.
    package mutating func takeSignatureCheck(now: Instant) -> Bool {
        var checks =
            signatureChecks ?? TokenBucket(perSecond: checksPerSecond, burst: checksPerSecond, now: now)
        defer { signatureChecks = checks }
        checks.refill(now: now)
        guard checks.has(reserveEighths: 0) else { return false }
        checks.take(1)
        return true
    }

    /// Stores an item that was checked, or renews it; false when nothing is stored here at all.
    package mutating func put(
        _ item: Item, at target: ID160, from source: Endpoint, now: Instant, using generator: inout SeededGenerator
    ) -> Bool {
        guard limit > 0 else { return false }
        let network = isPublic ? source.network : source
        let expiresAt = now + lifetime
        if let position = index[target] {
            entries[position].item = item
            entries[position].expiresAt = expiresAt
            return true
        }
        if entries.count >= limit { makeRoom(now: now, using: &generator) }
        index[target] = entries.count
        entries.append(Entry(target: target, item: item, network: network, expiresAt: expiresAt))
        shares[network, default: 0] += 1
        return true
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

    private mutating func makeRoom(now: Instant, using generator: inout SeededGenerator) {
        var victim = Int.random(in: entries.indices, using: &generator)
        for _ in 1..<Self.victimsDrawn {
            let other = Int.random(in: entries.indices, using: &generator)
            if worth(other, now) < worth(victim, now) { victim = other }
        }
        evictedCount += 1
        remove(at: victim)
    }

    /// What is least goes first.
    private func worth(_ position: Int, _ now: Instant) -> (Int, Instant) {
        let entry = entries[position]
        guard entry.expiresAt > now else { return (.min, entry.expiresAt) }
        return (-(shares[entry.network] ?? 0), entry.expiresAt)
    }

    private mutating func remove(at position: Int) {
        let entry = entries[position]
        index[entry.target] = nil
        if let share = shares[entry.network] { shares[entry.network] = share > 1 ? share - 1 : nil }
        let last = entries.removeLast()
        guard position < entries.count else { return }
        entries[position] = last
        index[last.target] = position
    }
}
