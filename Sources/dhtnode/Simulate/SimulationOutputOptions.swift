import ArgumentParser
import CommandSupport

/// What every scenario takes: the seed, and where its report goes.
struct SimulationOutputOptions: ParsableArguments {
    @Option(help: "Decides everything that chance decides.")
    var seed: UInt64 = 1

    @Flag(help: "Print the report as one JSON object on standard output.")
    var json = false

    @Option(help: ArgumentHelp("Write the JSON object there as well, with every sample.", valueName: "file"))
    var out: String?

    @Flag(name: .shortAndLong, help: "Print results and errors only.")
    var quiet = false

    @Option(help: "A live line on a terminal and a plain line every few seconds elsewhere (auto), or plain, or none.")
    var progress = ProgressChoice.auto

    var console: Console {
        var wishes = OutputConfiguration.Wishes()
        wishes.json = json
        wishes.quiet = quiet
        wishes.progress = progress
        return Console(program: "dhtnode", OutputConfiguration(wishes, in: .ofProcess))
    }
}
