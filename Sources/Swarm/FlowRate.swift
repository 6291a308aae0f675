import PeerProtocol
import Primitives

/// The rate of one connection now: over the last few blocks, so that it follows a share that changes.
struct FlowRate {
    private var windowStart: Instant
    private var windowBytes = 0
    private(set) var bytesPerSecond: Double?

    /// No rate is taken from less time, nor, unless it takes `windowMax`, from fewer blocks: the last one tells as much
    /// of the clock as of the link.
    private static let windowMin: Duration = .milliseconds(200)
    private static let windowMax: Duration = .seconds(1)
    private static let blocksMin = 16

    init(now: Instant) {
        windowStart = now
    }

    mutating func restart(now: Instant) {
        windowStart = now
        windowBytes = 0
    }

    /// Returns true when there is a new rate.
    mutating func add(_ bytes: Int, now: Instant) -> Bool {
        windowBytes += bytes
        let elapsed = now - windowStart
        guard elapsed >= Self.windowMin,
            windowBytes >= Self.blocksMin * BlockRequest.usualLength || elapsed >= Self.windowMax
        else { return false }
        let latest = Double(windowBytes) / elapsed.inSeconds
        bytesPerSecond = bytesPerSecond.map { ($0 + latest) / 2 } ?? latest
        windowStart = now
        windowBytes = 0
        return true
    }
}
