import ArgumentParser
import CommandSupport

struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Download and verify.",
        discussion: """
            EXAMPLES:
              magnetget "magnet:?xt=urn:btih:…&dn=…" -o ~/Downloads
              magnetget --list 0123456789abcdef0123456789abcdef01234567
              magnetget some.torrent --seed

            Paths of finished files go to standard output, everything else to standard error.

            \(ProgramExit.helpText())
            """)

    @Argument(
        help: ArgumentHelp(
            "Magnet links (in quotes), infohashes (40 hexadecimal digits or 32 base32 letters), or .torrent files.",
            valueName: "source"))
    var sources: [String]

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder that files go to.", valueName: "dir"))
    var output = "."

    @Flag(help: "Show the files of the torrent and stop.")
    var list = false

    @Flag(help: "Go on serving others when all is there, until stopped.")
    var seed = false

    @OptionGroup(title: "Seeding")
    var seeding: SeedOptions

    @Option(
        help: ArgumentHelp("Write the metadata of the one source there, as a .torrent file.", valueName: "file"))
    var saveTorrent: String?

    @Flag(help: "Fetch pieces in order, for whoever reads along; slower for the swarm.")
    var sequential = false

    @OptionGroup(title: "Peers")
    var swarm: SwarmOptions

    @OptionGroup(title: "Network")
    var network: NetworkOptions

    @OptionGroup(title: "Limits")
    var stages: StageOptions

    @OptionGroup(title: "Output")
    var talk: OutputOptions

    func validate() throws {
        if list, seed { throw ValidationError("--list stops before there is anything to --seed.") }
        if seeding.isGiven, !seed { throw ValidationError("--seed-ratio and --seed-time need --seed.") }
        if saveTorrent != nil, sources.count != 1 { throw ValidationError("--save-torrent is for one source.") }
        if saveTorrent?.isEmpty == true { throw ValidationError("--save-torrent must name a file.") }
        if output.isEmpty { throw ValidationError("-o must name a folder.") }
    }

    func run() async throws {
        var configuration = try swarm.configuration(
            sources, directory: output, goal: list ? .metadata : seed ? .seeding : .files, network, stages.limits)
        configuration.isSequential = sequential
        configuration.seedLimits = seeding.limits
        configuration.saver = saveTorrent.map { TorrentSaver(.file($0)) }
        let console = Console(program: "magnetget", talk.configuration)
        let exit = await GetCommand(configuration, console).run()
        throw ExitCode(exit.rawValue)
    }
}
