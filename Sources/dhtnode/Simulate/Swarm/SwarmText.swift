import CommandSupport
import Primitives
import Simulator

/// The report of `simulate swarm` for people.
enum SwarmText {
    static func line(_ report: SwarmReport, wall: Duration) -> String {
        "seed \(report.seed): last peer after \(number(report.lastSeconds)) s, "
            + "\(number(report.ratio)) times the bound; first \(number(report.completionSeconds.first ?? 0)) s, "
            + "mean \(number(report.meanSeconds)) s; "
            + "\(report.facts) facts in \(HumanText.seconds(wall))"
    }

    static func lines(_ study: SwarmStudy, _ options: SwarmOptions) -> [String] {
        let bound = options.bound
        return [
            "\(HumanText.count(study.reports.count, "run")); bound \(number(bound.seconds)) s, from a server "
                + "\(number(bound.clientServerSeconds)) s",
            "last peer \(estimate(study.estimate(\.lastSeconds))) s, "
                + "mean peer \(estimate(study.estimate(\.meanSeconds))) s",
            "\(estimate(study.estimate(\.ratio))) times the bound, "
                + "\(estimate(study.estimate(\.gain))) times as fast as from a server",
        ]
    }

    private static func estimate(_ estimate: SwarmStudy.Estimate) -> String {
        number(estimate.mean) + (estimate.margin.map { " ± " + number($0) } ?? "")
    }

    private static func number(_ value: Double) -> String {
        value.isFinite ? LookupsText.number((value * 1000).rounded() / 1000) : "never"
    }
}
