import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// One seed and a flash crowd, against what water would do.
struct SimulateSwarm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swarm",
        abstract: "One seed and a flash crowd of downloaders, against the bound of the fluid model.",
        discussion: """
            Whole clients download one torrent over links that they share max-min fairly. Payload is carried as \
            lengths. The bound is the largest of size/seed-up, size/down and N*size/(seed-up + all up). Ends with exit \
            code 1 if somebody does not finish.
            """)

    @Option(help: ArgumentHelp("Runs, with this many seeds from --seed on.", valueName: "n"))
    var seeds = 1

    @Option(help: ArgumentHelp("Seeds at a time, each on a thread.", valueName: "n"))
    var jobs = 1

    @OptionGroup(title: "Swarm")
    var links: SwarmLinkOptions

    @OptionGroup(title: "Rules")
    var rules: SwarmRuleOptions

    @OptionGroup(title: "Output")
    var output: SimulationOutputOptions

    @Option(help: ArgumentHelp("Draw the completion times, as SVG.", valueName: "file"))
    var plot: String?

    func validate() throws {
        guard (1...10_000).contains(seeds) else { throw ValidationError("--seeds is 1 to 10000.") }
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs is 1 to 256.") }
    }

    func run() async throws {
        var base = SwarmOptions()
        links.apply(to: &base)
        base.swarm = rules.configuration
        base.seed = output.seed
        let options = base
        var run = SimulationRun(output)
        var study = SwarmStudy()
        let console = run.console
        try await run.carryOut(seeds, jobs: jobs) { number in
            var options = options
            options.seed &+= UInt64(number)
            return try SwarmDownload(options)
        } done: { report, wall in
            study.append(report)
            console.note(SwarmText.line(report, wall: wall))
        }
        if let plot { try OutputFile.write(study.chart.svg, to: plot, console) }
        try run.report(
            "simulated_swarm", digest: study.digest, text: SwarmText.lines(study, options),
            members: SwarmJSON.members(study, options), samples: SwarmJSON.samples(study))
        guard study.unfinished == 0 else {
            run.console.error("\(HumanText.count(study.unfinished, "downloader")) did not finish")
            throw ExitCode(ProgramExit.failure.rawValue)
        }
    }
}
