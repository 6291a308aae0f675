import CommandSupport
import Simulator

/// The report of `simulate swarm` for machines (docs/simulator.md).
enum SwarmJSON {
    static func members(_ study: SwarmStudy, _ options: SwarmOptions) -> [JSONValue.Member] {
        [
            .init("runs", .integer(study.reports.count)), .init("downloaders", .integer(options.downloaders)),
            .init("free_riders", .integer(options.freeRiders)), .init("liars", .integer(options.liars)),
            .init("bytes", .integer(options.byteCount)), .init("unfinished", .integer(study.unfinished)),
            .init("bound_seconds", .number(options.bound.seconds)),
            .init("client_server_seconds", .number(options.bound.clientServerSeconds)),
            .init("last_seconds", estimate(study.estimate(\.lastSeconds))),
            .init("mean_seconds", estimate(study.estimate(\.meanSeconds))),
            .init("ratio", estimate(study.estimate(\.ratio))), .init("gain", estimate(study.estimate(\.gain))),
            .init("copies", estimate(study.estimate(\.copies))), .init("waste", estimate(study.estimate(\.waste))),
            .init("contributor_seconds", estimate(study.estimate { Spread($0.contributorSeconds).mean })),
            .init(
                "free_rider_seconds",
                options.freeRiders > 0 ? estimate(study.estimate { Spread($0.freeRiderSeconds).mean }) : .null),
            .init("curve", .array((0..<study.downloaders).map { estimate(study.completion(ofRank: $0 + 1)) })),
            .init("reports", .array(study.reports.map(report))),
        ]
    }

    /// What is left of every run: the state of the swarm at equal steps.
    static func samples(_ study: SwarmStudy) -> [JSONValue.Member] {
        let timelines = study.reports.map { report in JSONValue.array(report.timeline.map(sample)) }
        return [.init("timelines", .array(timelines))]
    }

    private static func report(_ report: SwarmReport) -> JSONValue {
        .object([
            .init("seed", .string(String(report.seed))), .init("last_seconds", .number(report.lastSeconds)),
            .init("mean_seconds", .number(report.meanSeconds)), .init("ratio", .number(report.ratio)),
            .init("unfinished", .integer(report.unfinished)),
            .init("completion_seconds", .array(report.completionSeconds.map(JSONValue.number))),
            .init("free_rider_seconds", .array(report.freeRiderSeconds.map(JSONValue.number))),
            .init("first_piece_seconds", .number(Spread(report.firstPieceSeconds).median)),
            .init("seed_bytes", .integer(report.seedBytes)), .init("peer_bytes", .integer(report.peerBytes)),
            .init("payload_bytes", .integer(report.payloadBytes)),
            .init("wasted_bytes", .integer(report.wastedBytes)), .init("pauses", .integer(report.pauses)),
            .init("facts", .integer(report.facts)),
        ])
    }

    private static func sample(_ sample: SwarmReport.Sample) -> JSONValue {
        .object([
            .init("seconds", .number(sample.seconds)), .init("seed_rate", .number(sample.seedRate)),
            .init("peer_rate", .number(sample.peerRate)), .init("pieces", .integer(sample.verifiedPieces)),
            .init("finished", .integer(sample.finished)),
        ])
    }

    private static func estimate(_ estimate: SwarmStudy.Estimate) -> JSONValue {
        .object([
            .init("mean", .number(estimate.mean)), .init("margin", estimate.margin.map(JSONValue.number) ?? .null),
        ])
    }
}
