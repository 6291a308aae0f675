import CommandSupport
import Simulator

/// The report of `simulate rude` for machines (docs/simulator.md).
enum RudeJSON {
    static func members(_ study: RudeStudy, _ options: RudeOptions) -> [JSONValue.Member] {
        [
            .init("runs", .integer(study.reports.count)), .init("peers", .integer(options.peers)),
            .init("rude_peers", .integer(options.rudePeers)), .init("clients", .integer(options.downloaders)),
            .init("bytes", .integer(options.byteCount)), .init("unfinished", .integer(study.unfinished)),
            .init("completion_seconds_without", spread(study.completion(\.without))),
            .init("completion_seconds", spread(study.completion(\.with))),
            .init("metadata_seconds_without", spread(study.metadata(\.without))),
            .init("metadata_seconds", spread(study.metadata(\.with))), .init("ratio", spread(study.ratios)),
            .init("reports", .array(study.reports.map(report))),
        ]
    }

    private static func report(_ report: RudeReport) -> JSONValue {
        .object([
            .init("seed", .string(String(report.seed))), .init("addresses", .string(report.mix.planName)),
            .init("calls_each", .integer(report.mix.callsEach)),
            .init("kinds", .object(report.mix.counts.map { .init($0.kind.rawValue, .integer($0.count)) })),
            .init("ratio", number(report.ratio)), .init("without", half(report.without)),
            .init("with", half(report.with)),
        ])
    }

    private static func half(_ half: RudeReport.Half) -> JSONValue {
        .object([
            .init("completion_seconds", spread(half.completion)), .init("metadata_seconds", spread(half.metadata)),
            .init("unfinished", .integer(half.unfinished)),
            .init("without_metadata", .integer(half.withoutMetadata)),
            .init("payload_bytes", .integer(half.payloadBytes)), .init("wasted_bytes", .integer(half.wastedBytes)),
            .init("requests_to_rude", .integer(half.requestsToRude)), .init("facts", .integer(half.facts)),
        ])
    }

    private static func spread(_ spread: Spread) -> JSONValue {
        .object([
            .init("p50", number(spread.median)), .init("p95", number(spread.quantile(0.95))),
            .init("largest", number(spread.largest)),
        ])
    }

    /// Null for what never came.
    private static func number(_ value: Double) -> JSONValue { value.isFinite ? .number(value) : .null }
}
