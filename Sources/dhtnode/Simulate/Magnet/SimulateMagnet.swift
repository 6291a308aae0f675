import ArgumentParser
import CommandSupport
import Primitives
import Simulator
import Swarm

/// From a magnet to the metadata, where most peers are dead.
struct SimulateMagnet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "magnet",
        abstract: "From a magnet to the metadata, with whole clients in a DHT where most peers are dead.",
        discussion: """
            The network is that of `simulate lookups --preset mainline`, but smaller, with round trips of 20 to 300 ms \
            and a loss of 1%. Peers announce themselves in it, most of them go, and a client that has long been there, \
            or has just started, is handed the magnet. Ends with exit code 1 if a magnet was not resolved.
            """)

    @Option(help: ArgumentHelp("Runs, with this many seeds from --seed on.", valueName: "n"))
    var seeds = 1

    @Option(help: ArgumentHelp("Magnets of each run, one after the other.", valueName: "n"))
    var magnets = 200

    @Flag(help: "Hand each magnet to a client that has just started.")
    var cold = false

    @Option(help: ArgumentHelp("A magnet without metadata by then has failed.", valueName: "seconds"))
    var patience = Seconds(argument: "60")!

    @OptionGroup(title: "Peers")
    var peers: MagnetPeerOptions

    @Option(help: ArgumentHelp("Connection attempts at the same time. (default: that of magnetget)", valueName: "n"))
    var attempts: Int?

    @Option(
        help: ArgumentHelp("How long one may take, whoever waits. (default: that of magnetget)", valueName: "seconds"))
    var connectTimeout: Seconds?

    @OptionGroup(title: "Network")
    var shape: NetworkShapeOptions

    @OptionGroup(title: "Output")
    var output: SimulationOutputOptions

    func validate() throws {
        guard (1...10_000).contains(seeds), (1...100_000).contains(magnets) else {
            throw ValidationError("--seeds is 1 to 10000, --magnets 1 to 100000.")
        }
        if let attempts, !(1...200).contains(attempts) { throw ValidationError("--attempts is 1 to 200.") }
    }

    private func magnetOptions() throws -> MagnetOptions {
        var options = MagnetOptions()
        options.magnets = magnets
        options.isCold = cold
        options.patience = patience.duration
        peers.apply(to: &options)
        if let attempts { options.swarm.connectingMax = attempts }
        if let connectTimeout {
            options.swarm.connectTimeout = connectTimeout.duration
            options.swarm.connectTimeoutCrowded = connectTimeout.duration
        }
        try shape.apply(to: &options)
        return options
    }

    func run() async throws {
        var options = try magnetOptions()
        var run = SimulationRun(output)
        var reports: [MagnetReport] = []
        for number in 0..<UInt64(seeds) {
            options.seed = output.seed &+ number
            let report = try run.carryOut(MagnetSearch(options))
            reports.append(report)
            run.console.note(MagnetText.line(report))
        }
        try run.report(
            "simulated_magnets", digest: reports.reduce(0) { $0 &* 31 &+ $1.digest },
            text: MagnetText.lines(reports), members: MagnetJSON.members(reports, options),
            samples: MagnetJSON.samples(reports))
        let unresolved = reports.reduce(0) { $0 + $1.magnets - $1.resolved }
        guard unresolved == 0 else {
            run.console.error("\(HumanText.count(unresolved, "magnet")) not resolved")
            throw ExitCode(ProgramExit.failure.rawValue)
        }
    }
}
