import ArgumentParser
import CommandSupport
import Metainfo

struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Download and verify.",
        discussion: """
            EXAMPLES:
              magnetget "magnet:?xt=urn:btih:…&dn=…" -o ~/Downloads
              magnetget --list 0123456789abcdef0123456789abcdef01234567
              magnetget some.torrent --seed
              magnetget some.torrent --select '*.flac,1,7-9'
              magnetget some.torrent --select 3 --stdout | tar x

            A pattern of --select without a slash is compared with the name of each file and folder, one with slashes \
            with the path that --list shows; * and ? stay within a name, ** crosses folders. Of a magnet that selects \
            files itself (so=), --select takes the place of that.

            Paths of finished files go to standard output, everything else to standard error.

            \(ProgramExit.helpText())
            """)

    @Argument(
        help: ArgumentHelp(
            "Magnet links (in quotes), infohashes (40 hexadecimal digits or 32 base32 letters), or .torrent files.",
            valueName: "source"))
    var sources: [String]

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The folder that files go to. (default: this one)", valueName: "dir"))
    var output: String?

    @Flag(help: "Show the files of the torrent and stop.")
    var list = false

    @Option(
        help: ArgumentHelp(
            "Only these files: patterns, and numbers of --list (3, 3-7, 9-), with commas between. Repeatable.",
            valueName: "pattern|indices"))
    var select: [String] = []

    @Flag(
        help: ArgumentHelp(
            "Write the one file to standard output, in order and verified.",
            discussion: "It is kept in a temporary folder meanwhile, or in that of -o for good."))
    var stdout = false

    @Flag(help: "Hash all that is on disk, whatever the record of an earlier run says.")
    var recheck = false

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
        if stdout, list || seed || talk.json || sources.count != 1 {
            throw ValidationError("--stdout is for one source, and goes with none of --list, --seed and --json.")
        }
        _ = try selection()
        if output?.isEmpty == true { throw ValidationError("-o must name a folder.") }
    }

    private func selection() throws -> FileSelection? {
        guard !select.isEmpty else { return nil }
        do {
            return try FileSelection(select)
        } catch {
            throw ValidationError("--select: \(error).")
        }
    }

    func run() async throws {
        var configuration = try swarm.configuration(
            sources, directory: output ?? ".", goal: list ? .metadata : seed ? .seeding : .files, network, stages.limits
        )
        configuration.isSequential = sequential || stdout
        configuration.selection = try selection()
        configuration.streams = stdout
        configuration.isScratch = stdout && output == nil
        configuration.rechecks = recheck
        configuration.seedLimits = seeding.limits
        configuration.saver = saveTorrent.map { TorrentSaver(.file($0)) }
        let console = Console(program: "magnetget", talk.configuration)
        let exit = await GetCommand(configuration, console).run()
        throw ExitCode(exit.rawValue)
    }
}
