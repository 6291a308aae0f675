/// A rate with a burst: so many tokens per second, and a bucket that holds what was not used.
package struct TokenBucket: Sendable {
    private static let unit: Int64 = 1_000_000_000

    private let rate: Int64
    private let capacity: Int64
    /// Billionths of a token; below zero when more was taken than there was.
    private var level: Int64
    private var refilledAt: Instant

    package init(perSecond rate: Int, burst: Int, now: Instant) {
        self.rate = Int64(min(max(rate, 0), 1_000_000_000))
        capacity = Int64(min(max(burst, 0), 1_000_000_000)) * Self.unit
        level = capacity
        refilledAt = now
    }

    /// Whole tokens left.
    package var tokens: Int { Int(max(0, level) / Self.unit) }

    package mutating func refill(now: Instant) {
        // Plain numbers: this is done for every packet.
        let (elapsed, hasOverflowed) = now.nanoseconds.subtractingReportingOverflow(refilledAt.nanoseconds)
        guard elapsed > 0, !hasOverflowed else { return }
        refilledAt = now
        let (gained, isMore) = elapsed.multipliedReportingOverflow(by: rate)
        level = isMore || gained >= capacity - level ? capacity : level + gained
    }

    /// Whether a token can be taken so that `reserve` of the burst, 0 to 1 in eighths, is left for others.
    package func has(reserveEighths: Int64) -> Bool { level >= threshold(reserveEighths) }

    /// When `has` becomes true, as of the last refill.
    package func isReady(reserveEighths: Int64) -> Instant {
        let missing = threshold(reserveEighths) - level
        guard missing > 0 else { return refilledAt }
        return rate > 0 ? refilledAt + .nanoseconds(missing / rate + 1) : .distantFuture
    }

    package mutating func take(_ tokens: Int) {
        level -= Int64(tokens) * Self.unit
    }

    private func threshold(_ reserveEighths: Int64) -> Int64 {
        max(Self.unit, min(capacity, Self.unit + capacity / 8 * reserveEighths))
    }
}
