import RealModule

/// Hops and times over the size of the network, whose axis is logarithmic: logarithmic growth is a straight line.
extension GrowthReport {
    package var chart: Chart {
        let smallest = Double(steps.first?.nodeCount ?? 1)
        let largest = Double(steps.last?.nodeCount ?? 1)
        let sizes = Chart.Axis(
            title: "nodes", scale: .logarithmic, range: smallest * 0.8...max(largest * 1.25, smallest * 2),
            ticks: steps.map { Chart.Tick(Double($0.nodeCount), Self.short($0.nodeCount)) })
        let hops = panel("Queries deep", "queries, one after the other", sizes) {
            [
                curve("closest set, mean", "#2166ac") { $0.figures.closestSetDepth.mean },
                curve("first value, mean", "#e08214") { $0.figures.firstValueDepth.mean },
            ]
        }
        let times = panel("Time", "seconds", sizes) {
            [
                curve("closest set, p50", "#2166ac") { $0.figures.closestSetSeconds.median },
                curve("first value, p99", "#e08214", isDashed: true) { $0.figures.firstValueSeconds.p99 },
                curve("first value, p50", "#e08214") { $0.figures.firstValueSeconds.median },
            ]
        }
        let lookups = steps.map(\.figures.lookups).max() ?? 0
        return Chart(
            title: "Lookups against the size of the network",
            subtitle: "\(lookups) lookups in the largest; joins, churn and lookups as described in docs/simulator.md",
            panels: [hops, times])
    }

    private func curve(
        _ name: String, _ color: String, isDashed: Bool = false, _ figure: (Step) -> Double
    ) -> Chart.Curve {
        Chart.Curve(
            name: name, color: color, points: steps.map { Chart.Point(Double($0.nodeCount), figure($0)) },
            hasDots: true, isDashed: isDashed)
    }

    private func panel(
        _ title: String, _ unit: String, _ sizes: Chart.Axis, _ curves: () -> [Chart.Curve]
    ) -> Chart.Panel {
        let curves = curves()
        let highest = curves.flatMap(\.points).map(\.y).max() ?? 1
        return Chart.Panel(title: title, x: sizes, y: .linear(unit, to: highest), curves: curves)
    }

    private static func short(_ count: Int) -> String {
        if count >= 1_000_000, count % 1_000_000 == 0 { return "\(count / 1_000_000) M" }
        return count >= 1000 && count % 1000 == 0 ? "\(count / 1000) k" : String(count)
    }
}

extension Chart.Axis {
    /// From nothing to somewhat more than `highest`, with four to eight ticks.
    package static func linear(_ title: String, to highest: Double) -> Chart.Axis {
        let raw = max(highest, 1e-6) / 4
        let decade = Double.pow(10, Double.log10(raw).rounded(.down))
        let step = [1.0, 2, 5].last { $0 * decade <= raw }.map { $0 * decade } ?? decade
        let count = Int((highest * 1.05 / step).rounded(.up))
        let ticks = (0...count).map { index in
            let thousandths = (Double(index) * step * 1000).rounded() / 1000
            let label = thousandths == thousandths.rounded() ? String(Int(thousandths)) : String(thousandths)
            return Chart.Tick(Double(index) * step, label)
        }
        return Chart.Axis(title: title, scale: .linear, range: 0...Double(count) * step, ticks: ticks)
    }
}
