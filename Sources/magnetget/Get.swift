import ArgumentParser
import CommandSupport
import Metainfo
import PeerProtocol

extension EncryptionPolicy: ExpressibleByArgument {}

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

    @Option(help: ArgumentHelp("A peer to ask. Repeatable.", valueName: "host:port"))
    var peer: [PeerAddress] = []

    @Flag(name: .customLong("no-dht"), help: "Do not use the DHT: ask trackers and given peers only.")
    var noDHT = false

    @Flag(name: .customLong("no-trackers"), help: "Do not ask the trackers of the torrent.")
    var noTrackers = false

    @Flag(name: .customLong("no-pex"), help: "Do not exchange peers with peers.")
    var noPEX = false

    @Option(help: ArgumentHelp("Download at most so many bytes a second; suffixes K, M, G.", valueName: "rate"))
    var downloadLimit: ByteCount?

    @Option(help: ArgumentHelp("Upload at most so many bytes a second.", valueName: "rate"))
    var uploadLimit: ByteCount?

    @Flag(help: "Fetch pieces in order, for whoever reads along; slower for the swarm.")
    var sequential = false

    @Option(help: "Encrypt connections to peers: prefer, require or off.")
    var encryption = EncryptionPolicy.prefer

    @Option(help: ArgumentHelp("Connections per torrent.", valueName: "n"))
    var maxPeers = 200

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
        if maxPeers < 1 { throw ValidationError("--max-peers must be at least 1.") }
        if let limit = [downloadLimit, uploadLimit].compactMap({ $0 }).first(where: { $0.bytes < 1_024 }) {
            throw ValidationError("A limit of \(limit.bytes) bytes/s is too low: at least 1K.")
        }
        if output.isEmpty { throw ValidationError("-o must name a folder.") }
        if network.noDNS, let name = peer.first(where: { $0.endpoint == nil }) {
            throw ValidationError("--peer \(name) is a name, and --no-dns forbids to resolve it.")
        }
    }

    func run() async throws {
        var configuration = GetConfiguration(
            sources: sources, directory: output, goal: list ? .metadata : seed ? .seeding : .files, peers: peer,
            usesDHT: !noDHT, usesTrackers: !noTrackers, usesExchange: !noPEX, isSequential: sequential,
            encryption: encryption,
            downloadLimit: downloadLimit?.bytes, uploadLimit: uploadLimit?.bytes,
            maxPeers: maxPeers,
            network: try network.configuration(defaultPort: 0),
            limits: stages.limits)
        configuration.seedLimits = seeding.limits
        configuration.saver = saveTorrent.map { TorrentSaver(.file($0)) }
        let console = Console(program: "magnetget", talk.configuration)
        let exit = await GetCommand(configuration, console).run()
        throw ExitCode(exit.rawValue)
    }
}
