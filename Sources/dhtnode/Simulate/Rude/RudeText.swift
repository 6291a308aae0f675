import CommandSupport
import Primitives
import Simulator

/// The report of `simulate rude` for people.
enum RudeText {
    static func line(_ report: RudeReport, wall: Duration) -> String {
        "seed \(report.seed): p95 \(number(report.without.p95)) s alone, \(number(report.with.p95)) s with "
            + "\(mix(report)); \(unfinished(report))\(report.with.facts) facts in \(HumanText.seconds(wall))"
    }

    static func lines(_ study: RudeStudy, _ options: RudeOptions) -> [String] {
        let clients = study.reports.count * options.downloaders
        var lines = [
            "\(HumanText.count(study.reports.count, "run")) with \(options.rudePeers) rude peers of \(options.peers); "
                + "\(clients - study.unfinished) of \(clients) clients finished",
            "completion without s, p50 / p95 / last: \(spread(study.completion(\.without)))",
            "completion with s, p50 / p95 / last: \(spread(study.completion(\.with)))",
            "metadata without s, p50 / p95 / last: \(spread(study.metadata(\.without)))",
            "metadata with s, p50 / p95 / last: \(spread(study.metadata(\.with)))",
            "p95 with to p95 without, by seed, p50 / p95 / worst: \(spread(study.ratios))",
        ]
        for report in study.worst(5) {
            lines.append(
                "seed \(report.seed): \(number(report.ratio)) times, \(unfinished(report))metadata p95 "
                    + "\(number(report.with.metadata.quantile(0.95))) s, wasted "
                    + "\(percent(report.with.wastedBytes, of: report.with.payloadBytes))%, "
                    + "\(report.with.requestsToRude) requests to rude peers; \(mix(report))")
        }
        return lines
    }

    private static func unfinished(_ report: RudeReport) -> String {
        let count = report.with.unfinished
        return count == 0 ? "" : "\(count) unfinished (\(report.with.withoutMetadata) without metadata), "
    }

    private static func mix(_ report: RudeReport) -> String {
        let kinds = report.mix.counts.map { "\($0.count) \($0.kind.rawValue)" }.joined(separator: ", ")
        return "\(kinds) (\(report.mix.planName), \(report.mix.callsEach) calls each)"
    }

    private static func spread(_ spread: Spread) -> String {
        [spread.median, spread.quantile(0.95), spread.largest].map(number).joined(separator: " / ")
    }

    private static func percent(_ part: Int, of whole: Int) -> String {
        number(whole > 0 ? Double(part) / Double(whole) * 100 : 0)
    }

    private static func number(_ value: Double) -> String {
        value.isFinite ? LookupsText.number((value * 100).rounded() / 100) : "never"
    }
}
