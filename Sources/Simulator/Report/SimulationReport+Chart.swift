import RealModule

/// How the times of all policies are spread, drawn side by side.
extension SimulationReport {
    package var latencyChart: Chart {
        let longest = figures.map { max($0.firstValueSeconds.p99, $0.closestSetSeconds.p99) }.max() ?? 1
        let time = Chart.Axis.seconds(from: 0.02, to: max(longest * 1.5, 1))
        let share = Chart.Axis(
            title: "lookups that have it by then", scale: .linear, range: 0...1,
            ticks: [0, 0.25, 0.5, 0.75, 0.9, 1].map { Chart.Tick($0, "\(Int($0 * 100)) %") })
        let panel = { (title: String, spread: (LookupFigures) -> Spread) in
            Chart.Panel(
                title: title, x: time, y: share,
                curves: figures.map { figures in
                    Chart.Curve(
                        name: figures.policy.rawValue, color: figures.policy.color,
                        points: spread(figures).cumulative(of: figures.lookups, until: time.range.upperBound))
                })
        }
        let useless = Int((handedOut.uselessShare * 100).rounded())
        return Chart(
            title: "How long lookups take",
            subtitle: "\(nodeCount) nodes, \(announcesStored) lookups of each policy, \(useless) % of the contacts "
                + "handed out were dead",
            panels: [panel("First value", \.firstValueSeconds), panel("Closest set", \.closestSetSeconds)])
    }
}

extension Policy {
    /// Told apart also by those who do not see red and green alike.
    package var color: String {
        switch self {
        case .classic: "#8a939d"
        case .libtorrentLike: "#e08214"
        case .ours: "#2166ac"
        }
    }
}

extension Chart.Axis {
    /// Times on a logarithmic scale, with a tick at 1, 2 and 5 of each decade.
    package static func seconds(from low: Double, to high: Double) -> Chart.Axis {
        var ticks: [Chart.Tick] = []
        for decade in -3...4 {
            for digit in [1.0, 2, 5] {
                let value = digit * Double.pow(10, decade)
                guard (low * 0.999...high * 1.001).contains(value) else { continue }
                let label = value < 0.999 ? "\(Int((value * 1000).rounded())) ms" : "\(Int(value.rounded())) s"
                ticks.append(Chart.Tick(value, label))
            }
        }
        return Chart.Axis(title: "seconds after the lookup began", scale: .logarithmic, range: low...high, ticks: ticks)
    }
}

extension Spread {
    private static let longestCurve = 400

    /// The share of `total` that is not above a value, as a curve of a few hundred points.
    ///
    /// It ends below 1 where some have no sample at all.
    package func cumulative(of total: Int, until end: Double) -> [Chart.Point] {
        guard !samples.isEmpty, total > 0 else { return [] }
        let stride = max(samples.count / Self.longestCurve, 1)
        var points = [Chart.Point(samples[0], 0)]
        for rank in Swift.stride(from: 0, to: samples.count, by: stride) where samples[rank] <= end {
            points.append(Chart.Point(samples[rank], Double(rank + 1) / Double(total)))
        }
        let reached = Double(samples.count { $0 <= end }) / Double(total)
        return points + [Chart.Point(end, reached)]
    }
}
