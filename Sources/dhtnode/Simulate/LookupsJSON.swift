import CommandSupport
import Primitives
import Simulator

/// The report of `simulate lookups` for machines (docs/simulator.md).
enum LookupsJSON {
    static func members(_ report: SimulationReport, _ options: SimulationOptions) -> [JSONValue.Member] {
        [
            .init("nodes", .integer(report.nodeCount)),
            .init("hosts", .integer(report.hostCount)),
            .init("departures", .integer(report.departures)),
            .init("joined", joined(report.policies)),
            .init("simulated_seconds", .number(report.duration.inSeconds)),
            .init("warm_up_seconds", .number(options.warmUp.inSeconds)),
            .init("loss", .number(options.faults.lossShare)),
            .init("nat", .number(options.population.nat.total)),
            .init("nodes_bootstrapped", .integer(report.nodesBootstrapped)),
            .init("contacts_per_node", spread(report.contactsPerNode)),
            .init("events", .integer(report.traffic.events)),
            .init("packets_sent", .integer(report.traffic.datagramsSent)),
            .init("packets_lost", .integer(report.traffic.datagramsLost)),
            .init("packets_filtered", .integer(report.traffic.datagramsFiltered)),
            .init("packets_doubled", .integer(report.traffic.datagramsDoubled)),
            .init("bytes_sent", .integer(report.traffic.bytesSent)),
            .init("announces", .integer(report.announces)),
            .init("announces_stored", .integer(report.announcesStored)),
            .init("handed_out", handedOut(report.handedOut)),
            .init("policies", .array(report.figures.map(figures))),
        ]
    }

    /// Every sample, for the file.
    static func samples(_ report: SimulationReport) -> [JSONValue.Member] {
        let policies = report.figures.map { figures in
            JSONValue.object([
                .init("policy", .string(figures.policy.rawValue)),
                .init("first_value_seconds", list(figures.firstValueSeconds)),
                .init("closest_set_seconds", list(figures.closestSetSeconds)),
                .init("queries_until_first_value", list(figures.packetsUntilFirstValue)),
                .init("queries_until_closest_set", list(figures.packetsUntilClosestSet)),
                .init("first_value_depth", list(figures.firstValueDepth)),
                .init("closest_set_depth", list(figures.closestSetDepth)),
            ])
        }
        return [.init("samples", .array(policies))]
    }

    private static func joined(_ counts: Population.PolicyCounts) -> JSONValue {
        .object([
            .init("ours", .integer(counts.ours)), .init("libtorrent_like", .integer(counts.libtorrentLike)),
            .init("classic", .integer(counts.classic)), .init("hostile", .integer(counts.hostile)),
        ])
    }

    static func figures(_ figures: LookupFigures) -> JSONValue {
        .object([
            .init("policy", .string(figures.policy.rawValue)),
            .init("lookups", .integer(figures.lookups)),
            .init("found", .integer(figures.succeeded)),
            .init("first_value_seconds", spread(figures.firstValueSeconds)),
            .init("closest_set_seconds", spread(figures.closestSetSeconds)),
            .init("finish_seconds", spread(figures.finishSeconds)),
            .init("queries_until_first_value", spread(figures.packetsUntilFirstValue)),
            .init("queries_until_closest_set", spread(figures.packetsUntilClosestSet)),
            .init("queries", spread(figures.packets)),
            .init("first_value_depth", spread(figures.firstValueDepth)),
            .init("closest_set_depth", spread(figures.closestSetDepth)),
            .init("nearest_checked", .integer(figures.closestChecked)),
            .init("nearest_found", .integer(figures.closestFound)),
            .init("handed_out", handedOut(figures.handedOut)),
        ])
    }

    private static func handedOut(_ handedOut: LookupFigures.HandedOut) -> JSONValue {
        .object([
            .init("contacts", .integer(handedOut.contacts)), .init("gone", .integer(handedOut.gone)),
            .init("unreachable", .integer(handedOut.unreachable)),
            .init("dead_share", .number(handedOut.uselessShare)),
        ])
    }

    static func spread(_ spread: Spread) -> JSONValue {
        .object([
            .init("count", .integer(spread.count)), .init("mean", .number(spread.mean)),
            .init("p50", .number(spread.median)), .init("p90", .number(spread.p90)),
            .init("p99", .number(spread.p99)), .init("max", .number(spread.largest)),
        ])
    }

    private static func list(_ spread: Spread) -> JSONValue { .array(spread.samples.map(JSONValue.number)) }
}
