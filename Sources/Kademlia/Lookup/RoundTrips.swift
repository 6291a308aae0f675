import Primitives

/// How a duration is spread, in counts that halve now and then, so that the recent past weighs most.
///
/// Four bins to the octave from 1 ms to 64 s. It takes no memory before the first sample, and 96 bytes after it.
package struct DurationHistogram: Equatable, Sendable {
    private static let binCount = 64
    private static let samplesBeforeHalving = 512

    private var bins: [UInt8] = []
    /// The weight of all samples.
    private(set) var total = 0

    mutating func record(_ duration: Duration) {
        if bins.isEmpty { bins = Array(repeating: 0, count: Self.binCount) }
        let bin = Self.bin(duration)
        bins[bin] += 1
        total += 1
        if total >= Self.samplesBeforeHalving || bins[bin] == .max { halve() }
    }

    /// The upper edge of the bin that the quantile lies in; zero while there are no samples.
    package func quantile(_ share: Double) -> Duration {
        guard total > 0 else { return .zero }
        var remaining = Double(total) * share
        for (index, count) in bins.enumerated() {
            remaining -= Double(count)
            if remaining <= 0 { return Self.upperEdge(index) }
        }
        return Self.upperEdge(Self.binCount - 1)
    }

    private mutating func halve() {
        total = 0
        for index in bins.indices {
            bins[index] /= 2
            total += Int(bins[index])
        }
    }

    /// Whole octaves by bit width, then the next two bits.
    private static func bin(_ duration: Duration) -> Int {
        let quarters = UInt64(clamping: duration.wholeNanoseconds / 250_000)
        guard quarters >= 4 else { return 0 }
        let octave = 61 - quarters.leadingZeroBitCount
        return min(octave * 4 + Int(quarters >> UInt64(octave) & 3), binCount - 1)
    }

    private static func upperEdge(_ bin: Int) -> Duration {
        .microseconds(250 * ((5 + bin % 4) << (bin / 4)))
    }
}

/// The distribution of round trips, from which the stall timeout follows (after mldht's response timeout filter).
struct RoundTrips: Sendable {
    /// With fewer samples a distribution says little.
    static let samplesNeeded = 16

    private(set) var histogram = DurationHistogram()
    private var samplesSinceRefresh: UInt8 = 0
    /// Renewed every 16 samples: it is asked for with every query.
    private var measured: Duration?

    mutating func record(_ roundTrip: Duration, stallQuantile: Double = 0.9) {
        histogram.record(roundTrip)
        samplesSinceRefresh += 1
        guard samplesSinceRefresh >= Self.samplesNeeded else { return }
        samplesSinceRefresh = 0
        measured = max(histogram.quantile(0.1) + .milliseconds(100), histogram.quantile(stallQuantile))
    }

    /// How long to wait before another node is worth asking: most answers have come by then, but at
    /// least 100 ms more than the fast ones take, so that jitter on a fast network costs no packets.
    func stallTimeout(initial: Duration) -> Duration {
        measured.map { min($0, initial * 2) } ?? initial
    }

    func quantile(_ share: Double) -> Duration { histogram.quantile(share) }
}
