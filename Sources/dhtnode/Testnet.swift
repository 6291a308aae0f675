import ArgumentParser
import CommandSupport

struct Testnet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a private network of real nodes on loopback.",
        discussion: """
            Each node has an address of its own in 127.0.0.0/8 and a free UDP port. When all know each other and the \
            seeder is announced, one line of JSON on standard output says how to enter: bootstrap address and magnet. \
            SIGINT or SIGTERM stops it cleanly, with exit code 0 and a line of JSON that says what was uploaded.
            """)

    @Option(help: ArgumentHelp("How many nodes.", valueName: "n"))
    var nodes = 20

    @Option(help: ArgumentHelp("Seed this file and announce it.", valueName: "path"))
    var seedFile: String?

    @Option(help: ArgumentHelp("Bytes per piece of the seeded file: a power of two from 16 KiB on.", valueName: "size"))
    var pieceLength: ByteCount?

    @Flag(name: .shortAndLong, help: "Print errors only.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Print what happens; -vv adds the inner workings.")
    var verbose: Int

    func validate() throws {
        guard (2...2_000).contains(nodes) else { throw ValidationError("--nodes must be 2 to 2000.") }
        guard let pieceLength else { return }
        guard seedFile != nil else { throw ValidationError("--piece-length needs --seed-file.") }
        let bytes = pieceLength.bytes
        guard (16 << 10...256 << 20).contains(bytes), bytes & (bytes - 1) == 0 else {
            throw ValidationError("--piece-length must be a power of two from 16KiB to 256MiB.")
        }
    }

    func run() async throws {
        var wishes = OutputConfiguration.Wishes()
        wishes.quiet = quiet
        wishes.verbosity = verbose
        let console = Console(program: "dhtnode", OutputConfiguration(wishes, in: .ofProcess))
        let network = TestNetwork(
            nodeCount: nodes, seedFile: seedFile, pieceLength: pieceLength?.bytes, console)
        throw ExitCode(await network.run().rawValue)
    }
}
