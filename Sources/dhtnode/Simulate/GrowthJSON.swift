import CommandSupport
import Simulator

/// The report of `simulate growth` for machines (docs/simulator.md).
enum GrowthJSON {
    static func members(_ report: GrowthReport, _ options: GrowthOptions) -> [JSONValue.Member] {
        [
            .init("steps", .array(report.steps.map { step($0, options) })),
            .init("first_value_depth_per_doubling", number(report.perDoubling(\.figures.firstValueDepth.mean))),
            .init("closest_set_depth_per_doubling", number(report.perDoubling(\.figures.closestSetDepth.mean))),
            .init("first_value_seconds_per_doubling", number(report.perDoubling(\.figures.firstValueSeconds.median))),
            .init("closest_set_seconds_per_doubling", number(report.perDoubling(\.figures.closestSetSeconds.median))),
            .init("closest_set_depth_deviation", number(report.deviation(\.figures.closestSetDepth.mean))),
        ]
    }

    /// Every sample, for the file.
    static func samples(_ report: GrowthReport) -> [JSONValue.Member] {
        [
            .init(
                "samples",
                .array(
                    report.steps.map { step in
                        .object([.init("size", .integer(step.nodeCount))] + LookupsJSON.samples(step.report))
                    }))
        ]
    }

    private static func step(_ step: GrowthReport.Step, _ options: GrowthOptions) -> JSONValue {
        .object(
            [
                .init("size", .integer(step.nodeCount)),
                .init("wall_seconds", .number(step.wallSeconds)),
                .init("resident_bytes", step.residentBytes.map(JSONValue.integer) ?? .null),
                .init("bytes_per_node", step.bytesPerNode.map(JSONValue.integer) ?? .null),
            ] + LookupsJSON.members(step.report, options.options(size: step.nodeCount)))
    }

    private static func number(_ value: Double?) -> JSONValue { value.map(JSONValue.number) ?? .null }
}
