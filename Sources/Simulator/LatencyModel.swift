import Primitives

/// How long a packet takes from one node to another.
///
/// The figure is a function of the pair and the seed alone, the same in both directions, as between real hosts; it
/// costs no memory.
package struct LatencyModel: Equatable, Sendable {
    /// One-way times at equally spaced quantiles from 0 to 1; between them the time grows linearly.
    private let quantiles: [Duration]

    /// - Parameter quantiles: one-way times in ascending order, at least one.
    package init(quantiles: [Duration]) {
        precondition(!quantiles.isEmpty, "a latency model without a latency")
        self.quantiles = quantiles
    }

    package static func uniform(_ range: ClosedRange<Duration>) -> LatencyModel {
        LatencyModel(quantiles: [range.lowerBound, range.upperBound])
    }

    /// Like the internet as the reference describes it: round trips with a median of 120 ms and a 90th percentile of
    /// 400 ms, log-normal in shape.
    ///
    /// One-way times at every twentieth.
    package static let internet = LatencyModel(
        quantiles: [
            6, 13, 18, 23, 27, 31, 36, 42, 47, 53, 60, 68, 77, 87, 98, 113, 132, 158, 200, 282, 500,
        ].map { .milliseconds($0) })

    /// The one-way time between two nodes; `hash` is a keyed hash of the pair.
    func latency(hash: UInt64) -> Duration {
        guard quantiles.count > 1 else { return quantiles[0] }
        let position = Double(hash >> 11) * 0x1p-53 * Double(quantiles.count - 1)
        let index = min(Int(position), quantiles.count - 2)
        let (low, high) = (quantiles[index].wholeNanoseconds, quantiles[index + 1].wholeNanoseconds)
        return .nanoseconds(low + Int64(Double(high - low) * (position - Double(index))))
    }
}
