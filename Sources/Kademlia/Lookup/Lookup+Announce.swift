package import Primitives

/// The announce at the end of a lookup: every store is told once, twice if it was silent, and gets a second token
/// once if it refused the first.
extension Lookup {
    private static let attemptLimit = 2

    /// How many nodes confirmed the announce.
    package var announcedCount: Int { stores.reduce(0) { $0 + ($1.state == .confirmed ? 1 : 0) } }

    package mutating func storeConfirmed(_ store: Int) {
        guard stores.indices.contains(store) else { return }
        stores[store].state = .confirmed
    }

    /// The store answered with an error.
    package mutating func storeRefused(_ store: Int) {
        guard stores.indices.contains(store), stores[store].state == .announced else { return }
        stores[store].state = stores[store].hasFreshToken ? .failed : .needsToken
    }

    /// The store gave another token; empty if it did not.
    package mutating func tokenRefreshed(_ store: Int, token: [UInt8]) {
        guard stores.indices.contains(store), stores[store].state == .awaitingToken else { return }
        candidates[stores[store].candidate].token = token
        stores[store].hasFreshToken = true
        stores[store].attempts = 0
        stores[store].state = token.isEmpty ? .failed : .pending
    }

    /// The query could not be sent: it counts as never sent, and is tried again when `next` is called next.
    package mutating func storeUnsent(_ store: Int, retryAt: Instant) {
        guard stores.indices.contains(store) else { return }
        switch stores[store].state {
        case .announced:
            stores[store].state = .pending
            stores[store].attempts -= 1
        case .awaitingToken: stores[store].state = .needsToken
        case .pending, .needsToken, .confirmed, .failed: return
        }
        wakesAt = retryAt
    }

    package mutating func storeStalled(_ store: Int) {
        guard stores.indices.contains(store), stores[store].state == .announced else { return }
        if stores[store].attempts < Self.attemptLimit { stores[store].state = .pending }
    }

    package mutating func storeFailed(_ store: Int) {
        guard stores.indices.contains(store), stores[store].state != .confirmed else { return }
        stores[store].state = .failed
    }

    mutating func nextStoreStep(now: Instant) -> Step? {
        for index in stores.indices {
            let candidate = candidates[stores[index].candidate]
            switch stores[index].state {
            case .pending:
                stores[index].state = .announced
                stores[index].attempts += 1
                lastAskedAt = now
                return .announce(store: index, candidate.contact, token: candidate.token)
            case .needsToken:
                stores[index].state = .awaitingToken
                lastAskedAt = now
                return .refreshToken(store: index, candidate.contact)
            case .announced, .awaitingToken, .confirmed, .failed: continue
            }
        }
        let isWaiting = stores.contains { $0.state == .announced || $0.state == .awaitingToken }
        let settledAt = lastAskedAt + rules.search.settleTimeout
        guard isWaiting, now < settledAt else {
            phase = .finished
            return .finish
        }
        wakesAt = settledAt
        return nil
    }
}
