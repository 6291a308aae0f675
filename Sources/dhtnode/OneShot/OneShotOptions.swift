import ArgumentParser
import CommandSupport

/// What all commands take that ask the DHT one thing.
struct OneShotOptions: ParsableArguments {
    @OptionGroup(title: "Network")
    var network: NetworkOptions

    @OptionGroup(title: "Output")
    var talk: OutputOptions

    @Option(help: ArgumentHelp("Give up when no DHT node has answered by then.", valueName: "seconds"))
    var bootstrapTimeout = Seconds(30)

    @Option(help: ArgumentHelp("Give up the whole run after this time.", valueName: "seconds"))
    var timeout: Seconds?

    var limits: StageLimits {
        var limits = StageLimits()
        limits.bootstrap = bootstrapTimeout.duration
        limits.total = timeout?.duration
        return limits
    }

    var console: Console { Console(program: "dhtnode", talk.configuration) }

    /// Carries out a task, and ends the program with its exit.
    func run(_ task: some OneShotTask, _ console: Console) async throws {
        var shot = OneShot(try network.configuration(defaultPort: 0), limits, console)
        throw ExitCode(await shot.run(task).rawValue)
    }
}
