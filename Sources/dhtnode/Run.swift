import ArgumentParser
import CommandSupport

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a node until it is stopped.",
        discussion: """
            The node's id and table are kept in the state folder, so a restart is warm. SIGINT or SIGTERM stops it \
            cleanly, with exit code 0. The port is 6881 unless --port says otherwise. With --network private and no \
            --bootstrap it is the first node of a network and waits for others. An interface that --bind names may \
            come later than the node: it is waited for.
            """)

    @OptionGroup(title: "Network")
    var network: NetworkOptions

    @OptionGroup(title: "Output")
    var talk: OutputOptions

    /// For measurements beside other clients (docs/calibration.md).
    @Flag(help: ArgumentHelp("Look up each infohash that standard input names.", visibility: .hidden))
    var lookupsFromStdin = false

    func run() async throws {
        let console = Console(program: "dhtnode", talk.configuration)
        guard try await network.awaitInterfaces(console) else { throw ExitCode(ProgramExit.done.rawValue) }
        let daemon = NodeDaemon(try network.configuration(defaultPort: 6881), takesLookups: lookupsFromStdin, console)
        throw ExitCode(await daemon.run().rawValue)
    }
}
