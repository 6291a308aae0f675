/// How the times or counts of many lookups are spread.
package struct Spread: Equatable, Sendable {
    /// Ascending.
    package let samples: [Double]

    package init(_ samples: [Double] = []) {
        self.samples = samples.sorted()
    }

    package var count: Int { samples.count }
    package var smallest: Double { samples.first ?? 0 }
    package var median: Double { quantile(0.5) }
    package var p90: Double { quantile(0.9) }
    package var p99: Double { quantile(0.99) }
    package var largest: Double { samples.last ?? 0 }

    package var mean: Double { samples.isEmpty ? 0 : samples.reduce(0, +) / Double(samples.count) }

    /// The smallest sample that at least this share does not exceed; 0 when there are none.
    package func quantile(_ share: Double) -> Double {
        guard !samples.isEmpty else { return 0 }
        let rank = (share * Double(samples.count)).rounded(.up)
        return samples[min(max(Int(rank) - 1, 0), samples.count - 1)]
    }
}
