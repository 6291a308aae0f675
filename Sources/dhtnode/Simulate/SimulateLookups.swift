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

    @Option(help: ArgumentHelp("Fresh infohashes, each looked up by one asker of each policy.", valueName: "n"))
    var lookups: Int?

    @Option(help: ArgumentHelp("Virtual time between two announces.", valueName: "ms"))
    var lookupInterval: Int?

    @Option(help: ArgumentHelp("A lookup that has found nothing by then has failed.", valueName: "seconds"))
    var patience: Seconds?

    @Option(help: ArgumentHelp("Who asks: classic, libtorrent-like, ours, apart by commas.", valueName: "list"))
    var policies: PolicyList?

    @Option(help: ArgumentHelp("Askers of each policy.", valueName: "n"))
    var askers: Int?

    @OptionGroup(title: "Output")
    var output: SimulationOutputOptions

    @Option(help: ArgumentHelp("Draw how the times are spread (CDF), as SVG.", valueName: "file"))
    var plot: String?

    func validate() throws {
        if let lookups, !(1...1_000_000).contains(lookups) {
            throw ValidationError("--lookups must be 1 to 1000000.")
        }
        if let lookupInterval, !(1...60_000).contains(lookupInterval) {
            throw ValidationError("--lookup-interval must be 1 to 60000.")
        }
        if let askers, !(1...10_000).contains(askers) { throw ValidationError("--askers must be 1 to 10000.") }
    }

    /// The preset, and what was given beside it.
    func simulationOptions() throws -> SimulationOptions {
        var options = preset.options
        options.seed = output.seed
        try shape.apply(to: &options)
        if let lookups { options.lookupCount = lookups }
        if let lookupInterval { options.lookupInterval = .milliseconds(lookupInterval) }
        if let patience { options.patience = patience.duration }
        if let policies { options.policies = policies.policies }
        if let askers { options.askersPerPolicy = askers }
        guard options.askersPerPolicy * options.policies.count < options.population.nodeCount else {
            throw ValidationError("there are more askers than nodes: fewer --askers, or more --nodes.")
        }
        return options
    }

    func run() async throws {
        let options = try simulationOptions()
        var run = SimulationRun(output)
        let report = try run.carryOut(Simulation(options))
        if let plot { try OutputFile.write(report.latencyChart.svg, to: plot, run.console) }
        try run.report(
            "simulated_lookups", digest: report.digest, text: LookupsText.lines(report, options),
            members: LookupsJSON.members(report, options), samples: LookupsJSON.samples(report))
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
