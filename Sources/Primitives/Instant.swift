/// A point on the caller's clock, in nanoseconds from an origin that only the caller knows.
///
/// Nothing above the purity line reads a clock: the driver, the simulator or a test passes `now` in.
package struct Instant: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package static let origin = Instant(nanoseconds: 0)
    package static let distantFuture = Instant(nanoseconds: .max)

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Saturates instead of overflowing: a limit of "for ever" stays one.
    package func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        guard overflow else { return Instant(nanoseconds: sum) }
        return Instant(nanoseconds: duration < .zero ? .min : .max)
    }

    package func duration(to other: Instant) -> Duration {
        let (difference, overflow) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
        guard overflow else { return .nanoseconds(difference) }
        return .nanoseconds(other < self ? Int64.min : Int64.max)
    }

    package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
    package static func + (left: Instant, right: Duration) -> Instant { left.advanced(by: right) }
    package static func - (left: Instant, right: Duration) -> Instant { left.advanced(by: .zero - right) }
    package static func - (left: Instant, right: Instant) -> Duration { right.duration(to: left) }
}

extension Instant: InstantProtocol {}

extension Duration {
    /// The duration in nanoseconds, saturating at about 292 years.
    package var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowed ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in seconds.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
