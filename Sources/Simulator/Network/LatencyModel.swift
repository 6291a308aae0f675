import Primitives
import RealModule

/// How long a packet takes from one node to another.
///
/// The figure is a function of the pair and the seed alone, the same in both directions unless a matrix says
/// otherwise, as between real hosts; a distribution costs no memory.
package struct LatencyModel: Equatable, Sendable {
    private enum Source: Equatable, Sendable {
        /// One-way times at equally spaced quantiles from 0 to 1; between them the time grows linearly.
        case quantiles([Duration])
        case matrix(DelayMatrix)
    }

    private let source: Source

    /// - Parameter quantiles: one-way times in ascending order, at least one.
    package init(quantiles: [Duration]) {
        precondition(!quantiles.isEmpty, "a latency model without a latency")
        source = .quantiles(quantiles)
    }

    package init(_ matrix: DelayMatrix) {
        source = .matrix(matrix)
    }

    package static func uniform(_ range: ClosedRange<Duration>) -> LatencyModel {
        LatencyModel(quantiles: [range.lowerBound, range.upperBound])
    }

    /// Log-normal round trips, given by their median and 90th percentile; the slowest pair in 4,000 bounds the tail.
    package static func logNormal(medianRoundTrip: Duration, p90RoundTrip: Duration) -> LatencyModel {
        let cellCount = 2000
        let sigma = Double.log(p90RoundTrip.inSeconds / medianRoundTrip.inSeconds) / normalQuantile(0.9)
        let quantiles = (0...cellCount).map { cell in
            let inner = min(max(Double(cell), 0.5), Double(cellCount) - 0.5)
            let factor = Double.exp(sigma * normalQuantile(inner / Double(cellCount)))
            return Duration.seconds(medianRoundTrip.inSeconds / 2 * factor)
        }
        return LatencyModel(quantiles: quantiles)
    }

    /// Like the internet as the reference describes it: log-normal round trips with a median of 120 ms and a 90th
    /// percentile of 400 ms.
    package static let internet = logNormal(medianRoundTrip: .milliseconds(120), p90RoundTrip: .milliseconds(400))

    /// The one-way time between two hosts; `hash` is a keyed hash of the pair.
    func latency(from source: HostIndex, to target: HostIndex, hash: @autoclosure () -> UInt64) -> Duration {
        switch self.source {
        case .quantiles(let quantiles): Self.latency(quantiles, hash: hash())
        case .matrix(let matrix): matrix.latency(from: source, to: target)
        }
    }

    private static func latency(_ quantiles: [Duration], hash: UInt64) -> Duration {
        guard quantiles.count > 1 else { return quantiles[0] }
        let position = Double(hash >> 11) * 0x1p-53 * Double(quantiles.count - 1)
        let index = min(Int(position), quantiles.count - 2)
        let (low, high) = (quantiles[index].wholeNanoseconds, quantiles[index + 1].wholeNanoseconds)
        return .nanoseconds(low + Int64(Double(high - low) * (position - Double(index))))
    }

    /// Where the normal distribution reaches `share`, by bisection: it is asked for a few thousand times in all.
    private static func normalQuantile(_ share: Double) -> Double {
        var (low, high) = (-9.0, 9.0)
        for _ in 0..<60 {
            let middle = (low + high) / 2
            let reached = 0.5 * Double.erfc(-middle / Double.sqrt(2))
            if reached < share { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
