package import Kademlia
package import Primitives

/// Tries a lookup again that found nobody to ask: until the bootstrap's time is over, somebody may come.
package struct LookupRetry: Sendable {
    private static let pause = Duration.seconds(1)

    private var again: Instant?

    package init() {}

    /// False when nobody was there; then it is due again after a pause.
    package mutating func isOver(_ report: LookupReport, now: Instant) -> Bool {
        guard report.answered == 0 else { return true }
        again = now + Self.pause
        return false
    }

    package mutating func isDue(now: Instant) -> Bool {
        guard let due = again, now >= due else { return false }
        again = nil
        return true
    }
}
