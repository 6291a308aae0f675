import CommandSupport
import Primitives
import Simulator

/// The report of `simulate magnet` for machines (docs/simulator.md); what never came is null.
enum MagnetJSON {
    static func members(_ reports: [MagnetReport], _ options: MagnetOptions) -> [JSONValue.Member] {
        [
            .init("runs", .integer(reports.count)), .init("is_cold", .bool(options.isCold)),
            .init("peers", .integer(options.peers)), .init("dead", .number(options.deadShare)),
            .init("refusing", .number(options.refusingShare)), .init("empty", .number(options.emptyShare)),
            .init("liars", .number(options.liarShare)), .init("slow", .number(options.slowShare)),
            .init("loss", .number(options.faults.lossShare)),
            .init("magnets", .integer(reports.reduce(0) { $0 + $1.magnets })),
            .init("resolved", .integer(reports.reduce(0) { $0 + $1.resolved })),
            .init("reports", .array(reports.map(report))),
        ]
    }

    /// Every magnet's figures, ascending.
    static func samples(_ reports: [MagnetReport]) -> [JSONValue.Member] {
        let samples = reports.map { report in
            JSONValue.object([
                .init("seed", .string(String(report.seed))),
                .init("first_value_seconds", list(report.firstValueSeconds)),
                .init("first_connection_seconds", list(report.firstConnectionSeconds)),
                .init("metadata_seconds", list(report.metadataSeconds)),
                .init("attempts", list(report.calls)),
            ])
        }
        return [.init("samples", .array(samples))]
    }

    private static func report(_ report: MagnetReport) -> JSONValue {
        .object([
            .init("seed", .string(String(report.seed))), .init("nodes", .integer(report.nodeCount)),
            .init("magnets", .integer(report.magnets)), .init("resolved", .integer(report.resolved)),
            .init("first_value_seconds", spread(report.firstValueSeconds)),
            .init("first_connection_seconds", spread(report.firstConnectionSeconds)),
            .init("metadata_seconds", spread(report.metadataSeconds)),
            .init("peers_found", spread(report.peersFound)), .init("attempts", spread(report.calls)),
            .init("attempts_per_second_max", spread(report.callsPerSecondMax)),
            .init("metadata_rejected", .integer(report.rejections)),
            .init("events", .integer(report.traffic.events)),
        ])
    }

    private static func spread(_ spread: Spread) -> JSONValue {
        let shares = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("max", 1)]
        return .object(shares.map { .init($0, .number(spread.quantile($1))) })
    }

    private static func list(_ spread: Spread) -> JSONValue { .array(spread.samples.map(JSONValue.number)) }
}
