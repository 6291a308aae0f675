import Kademlia
import Primitives

/// Tries a lookup again that found nobody to ask: until the bootstrap's time is over, somebody may come.
struct LookupRetry {
    private static let pause = Duration.seconds(1)

    private var again: Instant?

    /// False when nobody was there; then it is due again after a pause.
    mutating func isOver(_ report: LookupReport, now: Instant) -> Bool {
        guard report.answered == 0 else { return true }
        again = now + Self.pause
        return false
    }

    mutating func isDue(now: Instant) -> Bool {
        guard let due = again, now >= due else { return false }
        again = nil
        return true
    }
}
