import ArgumentParser
import CommandSupport

struct Seed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seed data that is there, until told to stop.",
        discussion: """
            EXAMPLES:
              magnetget seed film.torrent ~/Downloads
              magnetget seed film.torrent ~/Downloads --seed-ratio 2 --port 6881
              magnetget create holiday/ && magnetget seed holiday.torrent .

            DIR is the folder that holds the torrent's file or folder. Everything is checked first, and all of it must \
            be there: nothing is fetched and nothing is overwritten. The torrent is announced to the DHT and to its \
            trackers. Ctrl-C or SIGTERM is a clean stop with exit 0. Of a magnet link the metadata is fetched from \
            other peers first.

            \(ProgramExit.helpText())
            """)

    @Argument(help: ArgumentHelp("A .torrent file, or a magnet link in quotes.", valueName: "torrent|magnet"))
    var source: String

    @Argument(help: ArgumentHelp("The folder that holds the data.", valueName: "dir"))
    var directory: String

    @OptionGroup(title: "Seeding")
    var seeding: SeedOptions

    @OptionGroup(title: "Peers")
    var swarm: SwarmOptions

    @OptionGroup(title: "Network")
    var network: NetworkOptions

    @OptionGroup(title: "Limits")
    var stages: StageOptions

    @OptionGroup(title: "Output")
    var talk: OutputOptions

    func validate() throws {
        if directory.isEmpty { throw ValidationError("The folder is empty.") }
    }

    func run() async throws {
        let console = Console(program: "magnetget", talk.configuration)
        guard try await network.awaitInterfaces(console) else { throw ExitCode(ProgramExit.done.rawValue) }
        var configuration = try swarm.configuration(
            [source], directory: directory, goal: .seeding, network, stages.limits)
        configuration.seedLimits = seeding.limits
        configuration.seedsOnly = true
        throw ExitCode(await SeedCommand(configuration, console).run().rawValue)
    }
}
