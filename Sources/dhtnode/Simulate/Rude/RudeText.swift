import CommandSupport
import Primitives
import Simulator

/// The report of `simulate rude` for people.
enum RudeText {
    static func line(_ report: RudeReport, wall: Duration) -> String {
        "seed \(report.seed): 95% of the clients done after \(number(report.without.p95)) s without rude peers, "
            + "\(number(report.with.p95)) s with \(mix(report)); \(unfinished(report))simulated in "
            + "\(HumanText.seconds(wall))"
    }

    static func lines(_ study: RudeStudy, _ options: RudeOptions) -> [String] {
        let clients = study.reports.count * options.downloaders
        var lines = [
            "\(HumanText.count(study.reports.count, "run")) with \(options.rudePeers) rude peers of \(options.peers); "
                + "\(clients - study.unfinished) of \(clients) clients finished",
            "seconds to complete, without rude peers: \(spread(study.completion(\.without)))",
            "seconds to complete, with them: \(spread(study.completion(\.with)))",
            "seconds to the metadata, without them: \(spread(study.metadata(\.without)))",
            "seconds to the metadata, with them: \(spread(study.metadata(\.with)))",
        ]
        // With one seed there is nothing to compare: its line is enough.
        guard study.reports.count > 1 else { return lines + study.reports.map(detail) }
        let ratios = study.ratios
        lines.append(
            "95% of a seed's clients were done after so many times the seconds without rude peers: "
                + "median \(number(ratios.median)), 95% of the seeds \(number(ratios.quantile(0.95))), "
                + "worst \(number(ratios.largest))")
        return lines + ["the worst seeds:"] + study.worst(5).map(detail)
    }

    private static func detail(_ report: RudeReport) -> String {
        "seed \(report.seed): \(number(report.ratio)) times as long, \(unfinished(report))"
            + "\(percent(report.with.wastedBytes, of: report.with.payloadBytes))% of the payload not wanted, "
            + "\(report.with.requestsToRude) requests to rude peers: \(mix(report))"
    }

    private static func unfinished(_ report: RudeReport) -> String {
        let count = report.with.unfinished
        return count == 0 ? "" : "\(count) unfinished (\(report.with.withoutMetadata) without metadata), "
    }

    private static func mix(_ report: RudeReport) -> String {
        let kinds = report.mix.counts.map { "\($0.count) \($0.kind.rawValue)" }.joined(separator: ", ")
        let calls = HumanText.count(report.mix.callsEach, "call")
        return "\(kinds) (addresses: \(report.mix.planName); \(calls) each)"
    }

    private static func spread(_ spread: Spread) -> String {
        "median \(number(spread.median)), 95% \(number(spread.quantile(0.95))), last \(number(spread.largest))"
    }

    private static func percent(_ part: Int, of whole: Int) -> String {
        number(whole > 0 ? Double(part) / Double(whole) * 100 : 0)
    }

    private static func number(_ value: Double) -> String {
        value.isFinite ? LookupsText.number((value * 100).rounded() / 100) : "never"
    }
}
