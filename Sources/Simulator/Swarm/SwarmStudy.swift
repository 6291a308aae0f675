/// The same swarm with many seeds.
package struct SwarmStudy: Equatable, Sendable {
    package private(set) var reports: [SwarmReport] = []

    package init() {}

    package mutating func append(_ report: SwarmReport) { reports.append(report) }

    package var digest: UInt64 { reports.reduce(0) { $0 &* 31 &+ $1.digest } }

    package var unfinished: Int { reports.reduce(0) { $0 + $1.unfinished } }

    /// A mean over the seeds, and how far the true one may be from it with 95% confidence (Student's t).
    package struct Estimate: Equatable, Sendable {
        package let mean: Double
        /// Nil with one seed, which says nothing of others.
        package let margin: Double?
    }

    package func estimate(_ figure: (SwarmReport) -> Double) -> Estimate {
        let values = reports.map(figure)
        guard !values.isEmpty else { return Estimate(mean: 0, margin: nil) }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        guard values.count > 1, mean.isFinite else { return Estimate(mean: mean, margin: nil) }
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        let student = values.count - 2 < Self.student.count ? Self.student[values.count - 2] : 1.96
        return Estimate(mean: mean, margin: student * (variance / count).squareRoot())
    }

    /// Downloaders of each run.
    package var downloaders: Int {
        reports.first.map { $0.completionSeconds.count + $0.unfinished } ?? 0
    }

    /// Seconds until the `rank`-th downloader, from 1 on, had all of it; infinite where one never had.
    package func completion(ofRank rank: Int) -> Estimate {
        estimate { $0.completionSeconds.count >= rank ? $0.completionSeconds[rank - 1] : .infinity }
    }

    /// Two-sided 95% quantiles of Student's distribution, from one degree of freedom on.
    private static let student = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ]
}
