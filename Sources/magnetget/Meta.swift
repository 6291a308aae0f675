import ArgumentParser
import CommandSupport

struct Meta: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetch metadata only, and write it as .torrent files.",
        discussion: """
            EXAMPLES:
              magnetget meta "magnet:?xt=urn:btih:…" -o torrents
              magnetget meta 0123456789abcdef0123456789abcdef01234567 -o - > some.torrent
              magnetget meta --input magnets.txt -o torrents --jobs 200 --json

            Each becomes INFOHASH.torrent, with the trackers of its magnet; its path goes to standard output. A file \
            that is there of the same torrent is left as it is, so the same command goes on where it was stopped. A \
            source that fails does not stop the others: the exit code is that of the first one that failed.

            \(ProgramExit.helpText())
            """)

    @Argument(help: ArgumentHelp("Magnet links (in quotes), infohashes or .torrent files.", valueName: "source"))
    var sources: [String] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The folder for the .torrent files; - writes one to standard output.", valueName: "dir|-"))
    var output = "."

    @Option(
        help: ArgumentHelp(
            "A file with more sources, one a line; lines that begin with # are comments. - reads standard input.",
            valueName: "file"))
    var input: String?

    @Option(help: ArgumentHelp("How many are fetched at once.", valueName: "n"))
    var jobs = 64

    @OptionGroup(title: "Peers")
    var swarm: SwarmOptions

    @OptionGroup(title: "Network")
    var network: NetworkOptions

    @OptionGroup(title: "Limits")
    var stages: StageOptions

    @OptionGroup(title: "Output")
    var talk: OutputOptions

    func validate() throws {
        if sources.isEmpty, input == nil { throw ValidationError("Name a source, or a file of them with --input.") }
        if jobs < 1 { throw ValidationError("--jobs must be at least 1.") }
        if output.isEmpty { throw ValidationError("-o must name a folder.") }
        if output == "-" {
            if sources.count != 1 || input != nil {
                throw ValidationError("-o - is for one source: several .torrent files in one stream help nobody.")
            }
            if talk.json { throw ValidationError("-o - and --json both want standard output.") }
        }
    }

    func run() async throws {
        let console = Console(program: "magnetget", talk.configuration)
        var configuration = try swarm.configuration(
            sources, directory: ".", goal: .metadata, network, stages.limits)
        if let input {
            do {
                configuration.sources += try InputFile.sources(input)
            } catch {
                console.error(error.message, advice: error.advice)
                throw ExitCode(error.status.rawValue)
            }
        }
        configuration.jobs = jobs
        configuration.listsFiles = false
        configuration.saver = TorrentSaver(output == "-" ? .standardOutput : .folder(output))
        throw ExitCode(await GetCommand(configuration, console).run().rawValue)
    }
}
