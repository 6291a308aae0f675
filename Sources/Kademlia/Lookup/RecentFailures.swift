import Primitives

/// Endpoints that left a query unanswered lately, so that a lookup does not wait for them again (after mldht).
///
/// Each has one place under a keyed hash, and who comes later takes it: nothing grows, and nobody can choose who is
/// forgotten. It takes no memory before the first failure.
struct RecentFailures: Sendable {
    private struct Slot {
        var fingerprint: UInt32 = 0
        /// Seconds of the caller's clock; 0: free.
        var expiresAt: UInt32 = 0
    }

    private let hash: KeyedHash
    private var slots: [Slot] = []
    private(set) var forgottenCount = 0

    init(key: (UInt64, UInt64)) {
        hash = KeyedHash(key: key)
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

    mutating func remove(_ endpoint: Endpoint) {
        guard !slots.isEmpty else { return }
        let (position, fingerprint) = place(of: endpoint)
        if slots[position].fingerprint == fingerprint { slots[position].expiresAt = 0 }
    }

    mutating func forgetAll() { slots = [] }

    func contains(_ endpoint: Endpoint, now: Instant) -> Bool {
        guard !slots.isEmpty else { return false }
        let (position, fingerprint) = place(of: endpoint)
        return slots[position].fingerprint == fingerprint && slots[position].expiresAt > Self.seconds(now)
    }

    private func place(of endpoint: Endpoint) -> (position: Int, fingerprint: UInt32) {
        let key = hash.key(of: endpoint)
        return (Int(key >> 32) % slots.count, UInt32(truncatingIfNeeded: key))
    }

    private static func seconds(_ instant: Instant) -> UInt32 {
        UInt32(clamping: instant.nanoseconds / 1_000_000_000)
    }
}
