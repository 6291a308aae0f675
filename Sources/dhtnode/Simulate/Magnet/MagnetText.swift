import CommandSupport
import Simulator

/// The report of `simulate magnet` for people.
enum MagnetText {
    static func line(_ report: MagnetReport) -> String {
        "seed \(report.seed): \(report.resolved) of \(HumanText.count(report.magnets, "magnet")), metadata p50 "
            + "\(number(report.metadataSeconds.median)) s, p95 \(number(report.metadataSeconds.quantile(0.95))) s"
    }

    static func lines(_ reports: [MagnetReport]) -> [String] {
        let magnets = reports.reduce(0) { $0 + $1.magnets }
        return [
            "\(reports.reduce(0) { $0 + $1.resolved }) of \(HumanText.count(magnets, "magnet")) resolved in "
                + "\(HumanText.count(reports.count, "run"))",
            row("", ["p50", "p90", "p95", "p99", "max"]),
            spread("first value, s", reports, \.firstValueSeconds),
            spread("first connection, s", reports, \.firstConnectionSeconds),
            spread("metadata, s", reports, \.metadataSeconds),
            spread("peers found", reports, \.peersFound),
            spread("connection attempts", reports, \.calls),
            spread("most attempts in a second", reports, \.callsPerSecondMax),
        ]
    }

    /// Of all runs together.
    private static func spread(
        _ name: String, _ reports: [MagnetReport], _ figure: (MagnetReport) -> Spread
    ) -> String {
        let all = Spread(reports.flatMap { figure($0).samples })
        return row(name, [0.5, 0.9, 0.95, 0.99, 1].map { number(all.quantile($0)) })
    }

    private static func row(_ name: String, _ values: [String]) -> String {
        let padding = String(repeating: " ", count: max(0, 26 - name.count))
        return name + padding + values.map { String(repeating: " ", count: max(1, 9 - $0.count)) + $0 }.joined()
    }

    private static func number(_ value: Double) -> String { value.isFinite ? LookupsText.number(value) : "never" }
}
