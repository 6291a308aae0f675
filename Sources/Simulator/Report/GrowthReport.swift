import RealModule

/// How the figures of lookups grow with the size of the network.
package struct GrowthReport: Equatable, Sendable {
    package struct Step: Equatable, Sendable {
        package var nodeCount: Int
        package var report: SimulationReport
        /// The most memory that the process held meanwhile, less what it held before the first network; nil where it
        /// was not measured.
        package var residentBytes: Int?
        package var wallSeconds: Double

        package init(nodeCount: Int, report: SimulationReport, residentBytes: Int?, wallSeconds: Double) {
            (self.nodeCount, self.report) = (nodeCount, report)
            (self.residentBytes, self.wallSeconds) = (residentBytes, wallSeconds)
        }

        package var bytesPerNode: Int? { residentBytes.map { $0 / max(nodeCount, 1) } }
        package var figures: LookupFigures { report.figures[0] }
    }

    /// Ascending in size.
    package private(set) var steps: [Step] = []

    package init() {}

    package mutating func append(_ step: Step) {
        steps.append(step)
    }

    package var digest: UInt64 {
        var digest = RunDigest()
        for step in steps { digest.absorb(step.report.digest) }
        return digest.value
    }

    /// What one doubling of the network adds to a figure: the slope of the straight line through the figures over the
    /// logarithm of the size that fits best.
    ///
    /// Nil with fewer than two sizes.
    package func perDoubling(_ figure: (Step) -> Double) -> Double? {
        fit(figure)?.slope
    }

    /// How far the figures are from that line: the root of the mean square, in the unit of the figure.
    package func deviation(_ figure: (Step) -> Double) -> Double? {
        guard let (slope, offset) = fit(figure) else { return nil }
        let squares = steps.map { step in
            let error = figure(step) - (offset + slope * Double.log2(Double(step.nodeCount)))
            return error * error
        }
        return (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    }

    private func fit(_ figure: (Step) -> Double) -> (slope: Double, offset: Double)? {
        guard steps.count > 1 else { return nil }
        let points = steps.map { (x: Double.log2(Double($0.nodeCount)), y: figure($0)) }
        let count = Double(points.count)
        let meanX = points.map(\.x).reduce(0, +) / count
        let meanY = points.map(\.y).reduce(0, +) / count
        let spread = points.map { ($0.x - meanX) * ($0.x - meanX) }.reduce(0, +)
        guard spread > 0 else { return nil }
        let slope = points.map { ($0.x - meanX) * ($0.y - meanY) }.reduce(0, +) / spread
        return (slope, meanY - slope * meanX)
    }
}
