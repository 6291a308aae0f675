import Primitives

/// Endpoints that left a query unanswered lately, so that a lookup does not wait for them again (after mldht).
///
/// Each has one place under a keyed hash, and who comes later takes it: nothing grows, and nobody can choose who is
/// forgotten. It takes no memory before the first failure.
///
/// In public networks the queries to strangers are counted by host and by network as well, and those that are answered
/// are taken off again: others can name a victim on all its ports, or all hosts of its network, and we ask a few.
struct RecentFailures: Sendable {
    private struct Debtor: AssociativeSlot {
        var key: UInt64 = 0
        var expiresAt: UInt32 = 0
        /// Queries that were not answered, or not yet.
        var queries: Int32 = 0
    }

    /// In `failureLifetime`; more lookups than this seldom ask one stranger at the same time.
    private static let queriesPerHost: Int32 = 8
    private static let queriesPerPrefix: Int32 = 32
    private static let debtorLimit = 1024

    private struct Slot {
        var fingerprint: UInt32 = 0
        /// Seconds of the caller's clock; 0: free.
        var expiresAt: UInt32 = 0
    }

    private let hash: KeyedHash
    private var slots: [Slot] = []
    private var debtors = Boxed<AssociativeTable<Debtor>>()
    private let isPublic: Bool
    private(set) var forgottenCount = 0

    init(key: (UInt64, UInt64), mode: NetworkMode) {
        hash = KeyedHash(key: key)
        isPublic = mode == .public
    }

    mutating func add(_ endpoint: Endpoint, _ rules: SearchRules, now: Instant) {
        guard rules.rememberedFailureCount > 0 else { return }
        if slots.isEmpty { slots = Array(repeating: Slot(), count: min(rules.rememberedFailureCount, 1 << 16)) }
        let (position, fingerprint) = place(of: endpoint)
        if slots[position].expiresAt > Self.seconds(now), slots[position].fingerprint != fingerprint {
            forgottenCount += 1
        }
        slots[position] = Slot(fingerprint: fingerprint, expiresAt: Self.seconds(now + rules.failureLifetime))
    }

    /// A stranger is asked.
    mutating func asked(_ endpoint: Endpoint, _ rules: SearchRules, now: Instant) {
        guard isPublic, rules.rememberedFailureCount > 0 else { return }
        if debtors.isEmpty { debtors = Boxed(AssociativeTable(slotLimit: Self.debtorLimit)) }
        let expiresAt = Self.seconds(now + rules.failureLifetime)
        charge(endpoint.host, until: expiresAt, now: now)
        charge(endpoint.prefix, until: expiresAt, now: now)
    }

    /// It answered, or its silence was our own.
    mutating func settled(_ endpoint: Endpoint) {
        guard !debtors.isEmpty else { return }
        forgive(endpoint.host)
        forgive(endpoint.prefix)
    }

    private mutating func charge(_ debtor: Endpoint, until expiresAt: UInt32, now: Instant) {
        let (key, seconds) = (hash.key(of: debtor), Self.seconds(now))
        let position = debtors.value.makePosition(of: key) { $0.expiresAt > seconds ? Int($0.queries) : 0 }
        let old = debtors.value[position]
        let isKnown = old.key == key && old.expiresAt > seconds
        debtors.value[position] = Debtor(key: key, expiresAt: expiresAt, queries: isKnown ? old.queries + 1 : 1)
    }

    /// Takes one query off again.
    private mutating func forgive(_ debtor: Endpoint) {
        guard let position = debtors.value.position(of: hash.key(of: debtor)) else { return }
        if debtors.value[position].queries > 0 { debtors.value[position].queries -= 1 }
    }

    private func owes(_ debtor: Endpoint, _ limit: Int32, now: Instant) -> Bool {
        guard let position = debtors.value.position(of: hash.key(of: debtor)) else { return false }
        let slot = debtors.value[position]
        return slot.expiresAt > Self.seconds(now) && slot.queries >= limit
    }

    mutating func remove(_ endpoint: Endpoint) {
        guard !slots.isEmpty else { return }
        let (position, fingerprint) = place(of: endpoint)
        if slots[position].fingerprint == fingerprint { slots[position].expiresAt = 0 }
    }

    mutating func forgetAll() { slots = [] }

    func contains(_ endpoint: Endpoint, now: Instant) -> Bool {
        if !slots.isEmpty {
            let (position, fingerprint) = place(of: endpoint)
            if slots[position].fingerprint == fingerprint, slots[position].expiresAt > Self.seconds(now) { return true }
        }
        guard !debtors.isEmpty else { return false }
        return owes(endpoint.host, Self.queriesPerHost, now: now)
            || owes(endpoint.prefix, Self.queriesPerPrefix, now: now)
    }

    private func place(of endpoint: Endpoint) -> (position: Int, fingerprint: UInt32) {
        let key = hash.key(of: endpoint)
        return (Int(key >> 32) % slots.count, UInt32(truncatingIfNeeded: key))
    }

    private static func seconds(_ instant: Instant) -> UInt32 {
        UInt32(clamping: instant.nanoseconds / 1_000_000_000)
    }
}
