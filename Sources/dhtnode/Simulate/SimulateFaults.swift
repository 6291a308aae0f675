import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// Runs with faults that chance draws, watched by checkers.
struct SimulateFaults: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Faults drawn from the seed, checkers beside the nodes, and a network that has to recover.",
        discussion: """
            Each run draws a network and what goes wrong in it: loss, packets twice, late or out of order, halves that \
            do not hear each other, hosts cut off, translators, hostile nodes, older clients, churn. Every packet and \
            every table is checked. Then all is healed: every node must find its way back, and every announce must be \
            found. Ends with exit code 1 otherwise, and names the seed.
            """)

    @Option(help: ArgumentHelp("Runs, with this many seeds from --seed on.", valueName: "n"))
    var seeds = 10

    @OptionGroup(title: "Output")
    var output: SimulationOutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(seeds) else { throw ValidationError("--seeds is 1 to 1000000.") }
    }

    func run() async throws {
        var run = SimulationRun(output)
        var reports: [FaultsReport] = []
        var digest: UInt64 = 0
        for number in 0..<UInt64(seeds) {
            let report = try run.carryOut(Faults(FaultsOptions(seed: output.seed &+ number)))
            reports.append(report)
            digest = digest &* 31 &+ report.digest
            run.console.note(FaultsText.line(report))
            for violation in report.violations { run.console.error(violation.line(seed: report.seed)) }
        }
        let sick = reports.filter { !$0.isHealthy }
        try run.report(
            "simulated_faults", digest: digest, text: FaultsText.summary(reports),
            members: [
                .init("runs", .integer(reports.count)), .init("unhealthy", .integer(sick.count)),
                .init("packets_checked", .integer(reports.reduce(0) { $0 + $1.packetsChecked })),
                .init("reports", .array(reports.map(FaultsText.members))),
            ])
        guard sick.isEmpty else {
            run.console.error("\(sick.count) of \(reports.count) runs went wrong")
            throw ExitCode(ProgramExit.failure.rawValue)
        }
    }
}

/// The report of `simulate faults` for people and machines.
enum FaultsText {
    static func line(_ report: FaultsReport) -> String {
        "seed \(report.seed): \(HumanText.count(report.nodeCount, "node")), \(report.packetsChecked) packets and "
            + "\(report.statesChecked) tables checked, \(HumanText.count(report.violationCount, "violation")); "
            + "\(report.poorNodes) poor tables, \(report.announcesStored) of \(report.announces) announces stored, "
            + "\(report.succeeded) of \(report.lookups) found"
    }

    static func summary(_ reports: [FaultsReport]) -> [String] {
        let packets = reports.reduce(0) { $0 + $1.packetsChecked }
        let violations = reports.reduce(0) { $0 + $1.violationCount }
        let lookups = reports.reduce(0) { $0 + $1.lookups }
        return [
            "\(HumanText.count(reports.count, "run")), \(packets) packets checked, "
                + HumanText.count(violations, "violation"),
            "after healing \(reports.reduce(0) { $0 + $1.succeeded }) of \(HumanText.count(lookups, "announce")) found, "
                + "\(HumanText.count(reports.reduce(0) { $0 + $1.poorNodes }, "node")) with a poor table",
        ]
    }

    static func members(_ report: FaultsReport) -> JSONValue {
        let mix = report.mix
        return .object([
            .init("seed", .string(String(report.seed))), .init("nodes", .integer(report.nodeCount)),
            .init("loss", .number(mix.lossShare)), .init("duplication", .number(mix.duplicationShare)),
            .init("jitter_seconds", .number(mix.jitter.inSeconds)), .init("delayed", .number(mix.delayedShare)),
            .init("partitions", .bool(mix.hasPartitions)), .init("outages", .bool(mix.hasOutages)),
            .init("nat", .number(mix.natShare)), .init("hostile", .number(mix.hostileShare)),
            .init("classic", .number(mix.classicShare)), .init("libtorrent_like", .number(mix.libtorrentLikeShare)),
            .init("insecure", .number(mix.insecureIDShare)), .init("bep5", .number(mix.oldClientShare)),
            .init("no_token", .number(mix.noTokenShare)), .init("read_only", .number(mix.readOnlyShare)),
            .init("churn", .number(mix.churn)), .init("events", .integer(report.events)),
            .init("violations", .integer(report.violationCount)), .init("poor_nodes", .integer(report.poorNodes)),
            .init("announces", .integer(report.announces)),
            .init("announces_stored", .integer(report.announcesStored)), .init("lookups", .integer(report.lookups)),
            .init("found", .integer(report.succeeded)),
        ])
    }
}
