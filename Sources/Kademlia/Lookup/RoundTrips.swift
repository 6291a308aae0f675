import Primitives

/// The distribution of round trips, from which the stall timeout follows (after mldht's response timeout filter).
///
/// Four bins to the octave from 1 ms to 16 s, in counts that halve now and then, so that the recent past weighs most.
struct RoundTrips: Sendable {
    private static let binCount = 56
    private static let samplesBeforeHalving: UInt32 = 512
    /// With fewer samples a distribution says little.
    static let samplesNeeded: UInt32 = 16

    private var bins = [56 of UInt16](repeating: 0)
    private var total: UInt32 = 0
    /// Renewed every 16 samples: it is asked for with every query.
    private var measured: Duration?

    mutating func record(_ roundTrip: Duration) {
        bins[Self.bin(roundTrip)] += 1
        total += 1
        if total >= Self.samplesNeeded, total.isMultiple(of: 16) { refresh() }
        if total >= Self.samplesBeforeHalving { halve() }
    }

    /// How long to wait before another node is worth asking: nine of ten answers have come by then, but at
    /// least 100 ms more than the fast ones take, so that jitter on a fast network costs no packets.
    func stallTimeout(initial: Duration) -> Duration {
        measured.map { min($0, initial * 2) } ?? initial
    }

    /// The upper edge of the bin that the quantile lies in.
    func quantile(_ share: Double) -> Duration {
        var remaining = Double(total) * share
        for index in 0..<Self.binCount {
            remaining -= Double(bins[index])
            if remaining <= 0 { return Self.upperEdge(index) }
        }
        return Self.upperEdge(Self.binCount - 1)
    }

    private mutating func refresh() {
        measured = max(quantile(0.1) + .milliseconds(100), quantile(0.9))
    }

    private mutating func halve() {
        total = 0
        for index in 0..<Self.binCount {
            bins[index] /= 2
            total += UInt32(bins[index])
        }
    }

    /// Whole octaves by bit width, then the next two bits.
    private static func bin(_ roundTrip: Duration) -> Int {
        let quarters = UInt64(clamping: roundTrip.wholeNanoseconds / 250_000)
        guard quarters >= 4 else { return 0 }
        let octave = 61 - quarters.leadingZeroBitCount
        return min(octave * 4 + Int(quarters >> UInt64(octave) & 3), binCount - 1)
    }

    private static func upperEdge(_ bin: Int) -> Duration {
        .microseconds(250 * ((5 + bin % 4) << (bin / 4)))
    }
}
