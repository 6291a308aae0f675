import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// The same network in several sizes.
struct SimulateGrowth: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "growth",
        abstract: "Hops, times and memory against the size of the network.",
        discussion: """
            One network after the other, each born by real joins and then alive for twenty minutes of churn, while our \
            own nodes look up what others announced. A hundred thousand compact nodes take four minutes and a GiB, a \
            million fifty minutes and 8 GiB; try --sizes 1000,10000 first.
            """)

    @Option(help: ArgumentHelp("Numbers of nodes, ascending, apart by commas.", valueName: "list"))
    var sizes: SizeList?

    @OptionGroup(title: "Network")
    var shape: NetworkShapeOptions

    @OptionGroup(title: "Lookups")
    var lookups: LookupOptions

    @OptionGroup(title: "Output")
    var output: SimulationOutputOptions

    @Option(help: ArgumentHelp("Draw hops and times over the size, as SVG.", valueName: "file"))
    var plot: String?

    func validate() throws {
        if sizes != nil, shape.nodes != nil { throw ValidationError("--sizes and --nodes exclude each other.") }
    }

    func growthOptions() throws -> GrowthOptions {
        var options = GrowthOptions()
        options.base.seed = output.seed
        try shape.apply(to: &options.base)
        lookups.apply(to: &options.base)
        if let nodes = shape.nodes { options.sizes = [nodes] }
        if let sizes { options.sizes = sizes.sizes }
        for size in options.sizes { try LookupOptions.check(options.options(size: size)) }
        return options
    }

    func run() async throws {
        let options = try growthOptions()
        var run = SimulationRun(output)
        var report = GrowthReport()
        for size in options.sizes {
            let startedAt = run.elapsed
            let result = try run.carryOut(Simulation(options.options(size: size)))
            let step = GrowthReport.Step(
                nodeCount: size, report: result, residentBytes: run.residentBytes,
                wallSeconds: (run.elapsed - startedAt).inSeconds)
            report.append(step)
            run.console.note(GrowthText.line(step))
        }
        if let plot { try OutputFile.write(report.chart.svg, to: plot, run.console) }
        try run.report(
            "simulated_growth", digest: report.digest, text: GrowthText.lines(report),
            members: GrowthJSON.members(report, options), samples: GrowthJSON.samples(report))
    }
}

/// Sizes of networks on the command line.
struct SizeList: Equatable, Sendable, ExpressibleByArgument {
    let sizes: [Int]

    init?(argument: String) {
        let fields = argument.split(separator: ",", omittingEmptySubsequences: false)
        let sizes = fields.compactMap { Int($0) }
        guard sizes.count == fields.count, sizes.allSatisfy({ (2...2_000_000).contains($0) }),
            zip(sizes, sizes.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        self.sizes = sizes
    }
}
