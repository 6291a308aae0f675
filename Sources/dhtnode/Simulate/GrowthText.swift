import CommandSupport
import Primitives
import Simulator

/// The report of `simulate growth` for people.
enum GrowthText {
    /// What came of one size, as soon as it is known.
    static func line(_ step: GrowthReport.Step) -> String {
        // The clock may stand still.
        let rate = Int(Double(step.report.traffic.events) / max(step.wallSeconds, 0.001) / 1000)
        return "\(HumanText.count(step.nodeCount, "node")): \(step.report.traffic.events) events in "
            + "\(HumanText.seconds(.seconds(step.wallSeconds))) (\(rate) k/s)"
    }

    static func lines(_ report: GrowthReport) -> [String] {
        var lines = [
            row([
                "nodes", "found", "first s", "p99", "closest s", "p99", "deep first", "closest", "nearest", "dead",
                "bytes/node", "wall s",
            ])
        ]
        for step in report.steps {
            let figures = step.figures
            lines.append(
                row([
                    String(step.nodeCount), LookupsText.percent(figures.succeeded, of: figures.lookups),
                    LookupsText.number(figures.firstValueSeconds.median),
                    LookupsText.number(figures.firstValueSeconds.p99),
                    LookupsText.number(figures.closestSetSeconds.median),
                    LookupsText.number(figures.closestSetSeconds.p99), rounded(figures.firstValueDepth.mean),
                    rounded(figures.closestSetDepth.mean),
                    LookupsText.percent(figures.closestFound, of: figures.closestChecked),
                    LookupsText.percent(step.report.handedOut.uselessShare), step.bytesPerNode.map(String.init) ?? "?",
                    String(Int(step.wallSeconds)),
                ]))
        }
        if let first = report.perDoubling(\.figures.firstValueDepth.mean),
            let closest = report.perDoubling(\.figures.closestSetDepth.mean),
            let time = report.perDoubling(\.figures.closestSetSeconds.median)
        {
            lines.append(
                "each doubling adds \(rounded(first)) queries to the first value, \(rounded(closest)) queries and "
                    + "\(Int((time * 1000).rounded())) ms to the closest set")
        }
        return lines
    }

    private static func rounded(_ value: Double) -> String {
        LookupsText.number((value * 1000).rounded() / 1000)
    }

    private static func row(_ fields: [String]) -> String {
        fields.map { String(repeating: " ", count: max(1, 11 - $0.count)) + $0 }.joined()
    }
}
