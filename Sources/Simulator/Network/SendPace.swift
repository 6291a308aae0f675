import Primitives
import RealModule

/// How fast one end of a TCP connection writes: slow start, and the rate of its uplink.
///
/// In each round trip no more than the window leaves. It doubles after a round that used all of it, and halves with a
/// loss (RFC 5681, 3.1); it begins with ten segments (RFC 6928).
struct SendPace: Sendable {
    static let segmentBytes = 1460
    private static let largestWindow = 1 << 20
    private static let chunkBytesMax = 16 << 10

    let roundTrip: Duration
    private let bytesPerSecond: Double
    /// What leaves at once, so that a slow sender's bytes come one after the other.
    private let chunkBytes: Int
    private(set) var window = 10 * SendPace.segmentBytes
    /// Of this round.
    private var left = 10 * SendPace.segmentBytes
    private(set) var roundEnd: Instant

    init(roundTrip: Duration, bytesPerSecond: Double, now: Instant) {
        (self.roundTrip, self.bytesPerSecond) = (roundTrip, bytesPerSecond)
        chunkBytes = min(Self.chunkBytesMax, max(Self.segmentBytes, Int(min(bytesPerSecond, 1e9) / 4)))
        roundEnd = now + roundTrip
    }

    /// How many bytes may leave at once now; 0 until `roundEnd`.
    mutating func allowance(now: Instant) -> Int {
        if now >= roundEnd {
            if left == 0 { window = min(window * 2, Self.largestWindow) }
            left = window
            roundEnd = now + roundTrip
        }
        return min(left, chunkBytes)
    }

    /// So many bytes leave; returns for how long the uplink is busy with them.
    mutating func sent(_ count: Int) -> Duration {
        left -= count
        return .seconds(Double(count) / bytesPerSecond)
    }

    mutating func lost() {
        window = max(window / 2, 2 * Self.segmentBytes)
        left = min(left, window)
    }

    /// How likely it is that one of the segments of so many bytes gets lost.
    static func lossShare(of count: Int, segmentLossShare: Double) -> Double {
        1 - Double.pow(1 - segmentLossShare, (count + segmentBytes - 1) / segmentBytes)
    }
}
