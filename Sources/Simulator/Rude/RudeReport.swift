/// How the downloaders of one swarm fared without rude peers, and with them.
package struct RudeReport: Equatable, Sendable {
    package var seed: UInt64 = 0
    package var mix: RudeMix
    package var without = Half()
    package var with = Half()
    package var digest: UInt64 = 0

    /// One of the two runs; times are seconds since the downloader joined.
    package struct Half: Equatable, Sendable {
        package var completion = Spread()
        package var metadata = Spread()
        /// Downloaders that did not finish in time, and those of them without metadata.
        package var unfinished = 0
        package var withoutMetadata = 0
        /// Payload that downloaders received, and what of it was not wanted.
        package var payloadBytes = 0
        package var wastedBytes = 0
        /// Requests for blocks that rude peers were sent.
        package var requestsToRude = 0
        /// Events that clients were told of.
        package var facts = 0
        /// When the run ended.
        package var seconds = 0.0

        package init() {}

        package var p95: Double { unfinished > 0 ? .infinity : completion.quantile(0.95) }
    }

    package init(mix: RudeMix) {
        self.mix = mix
    }

    /// How many times longer the 95th percentile is with rude peers.
    package var ratio: Double { with.p95 / without.p95 }
}

/// The same with many seeds.
package struct RudeStudy: Equatable, Sendable {
    package private(set) var reports: [RudeReport] = []

    package init() {}

    package mutating func append(_ report: RudeReport) { reports.append(report) }

    package var digest: UInt64 { reports.reduce(0) { $0 &* 31 &+ $1.digest } }
    package var unfinished: Int { reports.reduce(0) { $0 + $1.with.unfinished + $1.without.unfinished } }

    /// Times of all downloaders of all seeds.
    package func completion(_ half: KeyPath<RudeReport, RudeReport.Half>) -> Spread {
        Spread(reports.flatMap { $0[keyPath: half].completion.samples })
    }

    package func metadata(_ half: KeyPath<RudeReport, RudeReport.Half>) -> Spread {
        Spread(reports.flatMap { $0[keyPath: half].metadata.samples })
    }

    package var ratios: Spread { Spread(reports.map(\.ratio)) }

    /// The seeds that suffered most, worst first.
    package func worst(_ count: Int) -> [RudeReport] {
        Array(
            reports.sorted {
                ($0.with.unfinished, $0.ratio, $1.seed) > ($1.with.unfinished, $1.ratio, $0.seed)
            }.prefix(count))
    }
}
