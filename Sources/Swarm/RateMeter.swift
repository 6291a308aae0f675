package import Primitives

/// Bytes per second over the last few seconds.
package struct RateMeter: Equatable, Sendable {
    private var windowStart: Instant
    private var windowBytes = 0
    /// Bytes per second in the last whole window.
    package private(set) var latest = 0.0
    private var smoothed: Double?

    private static let window: Duration = .seconds(1)
    /// The first window is short, so that there is a rate to show soon after the start.
    private static let firstWindow: Duration = .milliseconds(250)

    package init(now: Instant) {
        windowStart = now
    }

    /// Returns true when a window was closed, and `latest` is new.
    @discardableResult
    package mutating func add(_ bytes: Int, now: Instant) -> Bool {
        let closed = advance(now: now)
        windowBytes += bytes
        return closed
    }

    @discardableResult
    package mutating func advance(now: Instant) -> Bool {
        let elapsed = now - windowStart
        guard elapsed >= (smoothed == nil ? Self.firstWindow : Self.window) else { return false }
        latest = Double(windowBytes) / elapsed.inSeconds
        smoothed = smoothed.map { 0.6 * latest + 0.4 * $0 } ?? latest
        windowStart = now
        windowBytes = 0
        return true
    }

    package var bytesPerSecond: Double { smoothed ?? 0 }
}
