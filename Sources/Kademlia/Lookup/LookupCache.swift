import KRPC
import Primitives

/// The closest nodes of lookups of the last half hour: where a repetition starts (after mldht).
///
/// It takes no memory before the first one, and gives all of it back when the last one is too old.
struct LookupCache: Sendable {
    struct Entry: Sendable {
        let target: ID160
        let home: HomeIndex
        let closest: [Contact]
        let expiresAt: Instant
    }

    /// Oldest first.
    private var entries: [Entry] = []
    private(set) var evictedCount = 0

    var count: Int { entries.count }

    mutating func add(_ closest: [Contact], near target: ID160, at home: HomeIndex, _ rules: SearchRules, now: Instant)
    {
        removeExpired(now: now)
        guard rules.cachedLookupCount > 0, !closest.isEmpty else { return }
        if let known = entries.firstIndex(where: { $0.target == target && $0.home == home }) {
            entries.remove(at: known)
        }
        if entries.count >= rules.cachedLookupCount {
            entries.removeFirst()
            evictedCount += 1
        }
        entries.append(
            Entry(target: target, home: home, closest: closest, expiresAt: now + rules.cacheLifetime))
    }

    /// The nodes that a lookup of this target ended with, if there was one lately; else of its nearest neighbour, of
    /// whose nodes some may be better than what a table has.
    mutating func closest(to target: ID160, at home: HomeIndex, now: Instant) -> (contacts: [Contact], isSame: Bool)? {
        removeExpired(now: now)
        let mine = entries.lazy.filter { $0.home == home }
        let best = mine.min { $0.target.distance(to: target) < $1.target.distance(to: target) }
        return best.map { ($0.closest, $0.target == target) }
    }

    /// The home has another id, or its nodes turned out to be false.
    mutating func forget(_ home: HomeIndex) {
        entries.removeAll { $0.home == home }
    }

    private mutating func removeExpired(now: Instant) {
        guard let first = entries.first, first.expiresAt <= now else { return }
        entries.removeAll { $0.expiresAt <= now }
        if entries.isEmpty { entries = [] }
    }
}
