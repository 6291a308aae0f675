import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// Nodes announce what others look up.
struct SimulateLookups: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lookups",
        abstract: "Look up what ordinary nodes announce, with policies side by side (the default).",
        discussion: """
            Nodes join one by one through real bootstraps and live for a while; random ones announce fresh infohashes, \
            and askers of each policy, none of them among those who store it, look each of them up in the same network.
            """)

    enum Preset: String, CaseIterable, ExpressibleByArgument {
        /// A thousand of our own nodes, none of them behind a translator or hostile, and nothing is lost.
        case plain
        /// Ten thousand of all kinds, with loss and churn: the network of the proof (docs/simulator.md).
        case mainline

        var options: SimulationOptions {
            switch self {
            case .plain: SimulationOptions()
            case .mainline: .mainline
            }
        }
    }

    @Option(help: "What to start from: plain (1,000 ordinary nodes) or mainline (the network of the proof).")
    var preset = Preset.plain

    @OptionGroup(title: "Network")
    var shape: NetworkShapeOptions

    @OptionGroup(title: "Lookups")
    var lookups: LookupOptions

    @Option(help: ArgumentHelp("Who asks: classic, libtorrent-like, ours, apart by commas.", valueName: "list"))
    var policies: PolicyList?

    @OptionGroup(title: "Output")
    var output: SimulationOutputOptions

    @Option(help: ArgumentHelp("Draw how the times are spread (CDF), as SVG.", valueName: "file"))
    var plot: String?

    /// The preset, and what was given beside it.
    func simulationOptions() throws -> SimulationOptions {
        var options = preset.options
        options.seed = output.seed
        try shape.apply(to: &options)
        lookups.apply(to: &options)
        if let policies { options.policies = policies.policies }
        try LookupOptions.check(options)
        return options
    }

    func run() async throws {
        let options = try simulationOptions()
        var run = SimulationRun(output)
        let report = try run.carryOut(Simulation(options))
        if let plot { try OutputFile.write(report.latencyChart.svg, to: plot, run.console) }
        try run.report(
            "simulated_lookups", digest: report.digest, text: LookupsText.lines(report, options),
            members: LookupsJSON.members(report, options)
                + [.init("resident_bytes", run.residentBytes.map(JSONValue.integer) ?? .null)],
            samples: LookupsJSON.samples(report))
    }
}

/// Policies on the command line.
struct PolicyList: Equatable, Sendable, ExpressibleByArgument {
    let policies: [Policy]

    init?(argument: String) {
        let names = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let policies = names.compactMap(Policy.init(rawValue:))
        guard policies.count == names.count, Set(policies).count == policies.count else { return nil }
        self.policies = policies
    }
}
