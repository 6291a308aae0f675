import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// Days of churn, and what the nodes hold.
struct SimulateWeek: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "week",
        abstract: "Days of churn: what the nodes hold, hour by hour.",
        discussion: """
            Nodes come and go as in Mainline, announce and look up; every hour all tables and stores are counted and \
            compared with their limits. Once the stores are full, after the first day, the earlier half of the days is \
            compared with the later half: ends with exit code 1 if anything has grown by more than a tenth, or is over \
            its limit.
            """)

    @Option(help: ArgumentHelp("Nodes that are there at any time.", valueName: "n"))
    var nodes = 1000

    @Option(help: ArgumentHelp("Simulated days.", valueName: "n"))
    var days = 7

    @OptionGroup(title: "Output")
    var output: SimulationOutputOptions

    /// A tenth more is growth, and less is chance.
    static let tolerated = 1.1

    func validate() throws {
        guard (20...100_000).contains(nodes) else { throw ValidationError("--nodes is 20 to 100000.") }
        guard (1...365).contains(days) else { throw ValidationError("--days is 1 to 365.") }
    }

    func run() async throws {
        var options = WeekOptions()
        options.seed = output.seed
        options.population.nodeCount = nodes
        options.days = days
        var run = SimulationRun(output)
        let report = try run.carryOut(Week(options))
        for violation in report.violations { run.console.error(violation.line(seed: output.seed)) }
        try run.report(
            "simulated_week", digest: report.digest, text: WeekText.lines(report, run.residentBytes),
            members: WeekText.members(report, run.residentBytes))
        let grown = report.growth.filter { $0.factor > Self.tolerated }
        for (name, factor) in grown {
            run.console.error("\(name) grew to \(LookupsText.number(factor)) times what they were in the earlier half")
        }
        guard grown.isEmpty, report.violationCount == 0 else { throw ExitCode(ProgramExit.failure.rawValue) }
    }
}

/// The report of `simulate week` for people and machines.
enum WeekText {
    static func lines(_ report: WeekReport, _ residentBytes: Int?) -> [String] {
        var lines = ["mean of a node (most of one):" + report.days.indices.map { padded("day \($0 + 1)") }.joined()]
        for (index, kind) in WeekReport.Footprint().totals.enumerated() {
            let cells = report.days.map { day in
                let mean = LookupsText.number((day.mean { $0.totals[index].total } * 10).rounded() / 10)
                return padded("\(mean) (\(day.largest { $0.totals[index].total }))")
            }
            lines.append(pad(kind.name.replacing("_", with: " ")) + cells.joined())
        }
        lines.append(
            pad("lookups that found")
                + report.days.map { padded(LookupsText.percent($0.successShare)) }.joined())
        lines.append(pad("departures") + report.days.map { padded(String($0.departures)) }.joined())
        let memory = residentBytes.map { ", at most \($0 / 1_000_000) MB" } ?? ""
        let violations = HumanText.count(report.violationCount, "violation")
        lines.append("\(HumanText.count(report.nodeCount, "node")), \(violations)\(memory)")
        return lines
    }

    static func members(_ report: WeekReport, _ residentBytes: Int?) -> [JSONValue.Member] {
        [
            .init("nodes", .integer(report.nodeCount)), .init("violations", .integer(report.violationCount)),
            .init("resident_bytes", residentBytes.map(JSONValue.integer) ?? .null),
            .init("growth", .object(report.growth.map { .init($0.name, .number($0.factor)) })),
            .init("days", .array(report.days.map(day))),
        ]
    }

    private static func day(_ day: WeekReport.Day) -> JSONValue {
        let totals = WeekReport.Footprint().totals.enumerated().map { index, kind in
            JSONValue.Member(
                kind.name,
                .object([
                    .init("mean", .number(day.mean { $0.totals[index].total })),
                    .init("largest", .integer(day.largest { $0.totals[index].total })),
                ]))
        }
        return .object(
            [
                .init("held", .object(totals)), .init("departures", .integer(day.departures)),
                .init("events", .integer(day.events)), .init("bytes_sent", .integer(day.bytesSent)),
                .init("announces", .integer(day.announces)),
                .init("announces_stored", .integer(day.announcesStored)), .init("lookups", .integer(day.lookups)),
                .init("found", .integer(day.succeeded)),
            ])
    }

    private static func pad(_ text: String) -> String {
        text + String(repeating: " ", count: max(1, 29 - text.count))
    }

    private static func padded(_ text: String) -> String {
        String(repeating: " ", count: max(1, 16 - text.count)) + text
    }
}
