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
        var lines = [
            "\(HumanText.count(study.reports.count, "run")); bound \(number(bound.seconds)) s, from a server "
                + "\(number(bound.clientServerSeconds)) s",
            "last peer \(estimate(study.estimate(\.lastSeconds))) s, "
                + "mean peer \(estimate(study.estimate(\.meanSeconds))) s",
            "\(estimate(study.estimate(\.ratio))) times the bound, "
                + "\(estimate(study.estimate(\.gain))) times as fast as from a server",
            "the seed sent \(estimate(study.estimate(\.copies))) copies; not wanted "
                + "\(estimate(study.estimate { $0.waste * 100 }))% of the payload",
        ]
        if options.freeRiders > 0 {
            lines.append(
                "those that serve \(estimate(study.estimate { Spread($0.contributorSeconds).mean })) s, "
                    + "free riders \(estimate(study.estimate { Spread($0.freeRiderSeconds).mean })) s")
        }
        return lines + curve(study)
    }

    /// The time of the k-th downloader, at some k.
    private static func curve(_ study: SwarmStudy) -> [String] {
        let count = study.downloaders
        let ranks = Set([1, count] + [10, 25, 50, 75, 90, 95, 99].map { max(1, count * $0 / 100) }).sorted()
        return ranks.filter { $0 <= count }.map { "peer \($0): \(estimate(study.completion(ofRank: $0))) s" }
    }

    private static func estimate(_ estimate: SwarmStudy.Estimate) -> String {
        number(estimate.mean) + (estimate.margin.map { " ± " + number($0) } ?? "")
    }

    private static func number(_ value: Double) -> String {
        value.isFinite ? LookupsText.number((value * 1000).rounded() / 1000) : "never"
    }
}
