/// When how many were done: the curve of completion times, with the confidence of each point.
extension SwarmStudy {
    package var chart: Chart {
        let ranks = downloaders > 0 ? Array(1...downloaders) : []
        let estimates = ranks.map { completion(ofRank: $0) }.filter(\.mean.isFinite)
        let bound = reports.first?.bound.seconds ?? 0
        let server = Int((reports.first?.bound.clientServerSeconds ?? 0).rounded())
        let latest = estimates.map { $0.mean + ($0.margin ?? 0) }.max() ?? 0
        let shares = ranks.map { Double($0) / Double(max(1, downloaders)) * 100 }
        func curve(_ name: String, isDashed: Bool = false, _ seconds: (Estimate) -> Double) -> Chart.Curve {
            Chart.Curve(
                name: name, color: "#2166ac", points: zip(estimates, shares).map { Chart.Point(seconds($0), $1) },
                isDashed: isDashed)
        }
        var curves = [curve("mean") { $0.mean }]
        if reports.count > 1 {
            curves.append(curve("95% confidence", isDashed: true) { $0.mean - ($0.margin ?? 0) })
            curves.append(curve("", isDashed: true) { $0.mean + ($0.margin ?? 0) })
        }
        curves.append(
            Chart.Curve(
                name: "bound of the fluid model", color: "#e08214",
                points: [Chart.Point(bound, 0), Chart.Point(bound, 100)]))
        let percent = Chart.Axis(
            title: "downloaders done, %", scale: .linear, range: 0...100,
            ticks: stride(from: 0.0, through: 100, by: 25).map { Chart.Tick($0, String(Int($0))) })
        return Chart(
            title: "One seed and \(downloaders) downloaders",
            subtitle: "\(reports.count == 1 ? "one run" : "\(reports.count) runs"); a server alone: \(server) s",
            panels: [
                Chart.Panel(
                    title: "Completion", x: .linear("seconds", to: max(latest, bound)), y: percent, curves: curves)
            ])
    }
}
