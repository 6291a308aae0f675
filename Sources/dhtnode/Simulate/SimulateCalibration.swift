import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// The rig of real libtorrent nodes, simulated (docs/calibration.md).
struct SimulateCalibration: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibration",
        abstract: "Simulate the rig of real nodes, to see whether the simulator tells the truth.",
        discussion: """
            The matrix that Tools/Interop/bench_lookups.py has written goes in; out come the same figures, of nodes \
            that are like libtorrent. Tools/Interop/compare_calibration.py puts both side by side.
            """)

    @Option(help: ArgumentHelp("The delay matrix of the rig: N lines of N one-way times in ms.", valueName: "file"))
    var delays: String

    @Option(help: ArgumentHelp("Nodes of the network: the first rows.", valueName: "n"))
    var nodes = 200

    @Option(
        help: ArgumentHelp(
            "Warm askers of each client: the rows after those; the rest are for cold ones.", valueName: "n"))
    var warmAskers = 5

    @Option(help: ArgumentHelp("Lookups of each kind.", valueName: "n"))
    var rounds = 100

    @Option(help: ArgumentHelp("Lookups of each kind once some are dead.", valueName: "n"))
    var deadRounds = 100

    @Option(help: ArgumentHelp("Nodes that fall silent then; a tenth if not given.", valueName: "share"))
    var dead: Share?

    @Option(help: ArgumentHelp("Packets lost.", valueName: "share"))
    var loss: Share?

    @Option(help: ArgumentHelp("Virtual time between the last join and the first lookup.", valueName: "seconds"))
    var warmUp = Seconds(180)

    @OptionGroup(title: "Output")
    var output: SimulationOutputOptions

    func validate() throws {
        guard (2...4000).contains(nodes), (1...100).contains(warmAskers) else {
            throw ValidationError("--nodes must be 2 to 4000, --warm-askers 1 to 100.")
        }
        guard (1...2000).contains(rounds), (0...2000).contains(deadRounds) else {
            throw ValidationError("--rounds must be 1 to 2000, --dead-rounds 0 to 2000.")
        }
    }

    func run() async throws {
        var options = CalibrationOptions(delays: try LatencyArgument.matrix(at: delays, .oneWay, option: "--delays"))
        options.seed = output.seed
        (options.nodeCount, options.warmAskers) = (nodes, warmAskers)
        (options.rounds, options.deadRounds) = (rounds, deadRounds)
        if let dead { options.deadShare = dead.value }
        if let loss { options.lossShare = loss.value }
        options.warmUp = warmUp.duration
        guard options.coldPlaces > 0 else {
            throw ValidationError("--delays: \(options.delays.size) rows leave no place for cold askers.")
        }
        var run = SimulationRun(output)
        let report = try run.carryOut(Calibration(options))
        try run.report(
            "simulated_calibration", digest: report.digest, text: lines(report), members: members(report),
            samples: [.init("samples", .array(report.figures.map(samples)))])
    }

    private func lines(_ report: CalibrationReport) -> [String] {
        ["contacts of a node: \(Int(report.contactsPerNode.median))"]
            + report.figures.map { figures in
                let spread = figures.firstPeerSeconds
                let times = [("p50", spread.median), ("p90", spread.p90), ("most", spread.largest)]
                    .map { "\($0) \(Int(($1 * 1000).rounded())) ms" }.joined(separator: ", ")
                return "\(figures.isWarm ? "warm" : "cold") dead \(LookupsText.number(figures.deadShare)) "
                    + "\(figures.client.rawValue): \(spread.count) of \(figures.lookups) found, \(times)"
            }
    }

    private func members(_ report: CalibrationReport) -> [JSONValue.Member] {
        [
            .init("nodes", .integer(nodes)), .init("warm_askers", .integer(warmAskers)),
            .init("warm_up_seconds", .number(warmUp.duration.inSeconds)), .init("loss", .number(loss?.value ?? 0)),
            .init("contacts_per_node", .number(report.contactsPerNode.median)),
            .init("announces_stored", .integer(report.announcesStored)), .init("events", .integer(report.events)),
            .init(
                "figures",
                .array(
                    report.figures.map { figures in
                        .object(
                            kind(figures) + [
                                .init("lookups", .integer(figures.lookups)),
                                .init("found", .integer(figures.firstPeerSeconds.count)),
                                .init("p50", .number(figures.firstPeerSeconds.median)),
                                .init("p90", .number(figures.firstPeerSeconds.p90)),
                            ])
                    })),
        ]
    }

    private func kind(_ figures: CalibrationReport.Figures) -> [JSONValue.Member] {
        [
            .init("client", .string(figures.client.rawValue)),
            .init("state", .string(figures.isWarm ? "warm" : "cold")), .init("dead", .number(figures.deadShare)),
        ]
    }

    private func samples(_ figures: CalibrationReport.Figures) -> JSONValue {
        .object(
            kind(figures) + [.init("seconds", .array(figures.firstPeerSeconds.samples.map(JSONValue.number)))])
    }
}
