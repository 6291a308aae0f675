import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// A flash crowd with rude peers in it, beside the same crowd without them.
struct SimulateRude: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rude",
        abstract: "A flash crowd that starts from magnets, with and without rude peers.",
        discussion: """
            Whole clients start from a magnet and download one torrent. A share of the peers is rude, of kinds drawn \
            from the seed: silent, lying, dripping, flooding and others (docs/simulator.md says what each does). Each \
            seed is run twice, without the rude peers and with them. Ends with exit code 1 if a client does not finish \
            in time.
            """)

    @Option(help: ArgumentHelp("Runs, with this many seeds from --seed on.", valueName: "n"))
    var seeds = 1

    @Option(help: ArgumentHelp("Seeds at a time, each on a thread.", valueName: "n"))
    var jobs = 1

    @OptionGroup(title: "Swarm")
    var crowd: RudeCrowdOptions

    @OptionGroup(title: "Output")
    var output: SimulationOutputOptions

    func validate() throws {
        guard (1...10_000).contains(seeds) else { throw ValidationError("--seeds is 1 to 10000.") }
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs is 1 to 256.") }
    }

    func run() async throws {
        var base = RudeOptions()
        crowd.apply(to: &base)
        base.seed = output.seed
        let options = base
        var run = SimulationRun(output)
        var study = RudeStudy()
        let console = run.console
        try await run.carryOut(seeds, jobs: jobs) { number in
            var options = options
            options.seed &+= UInt64(number)
            return try RudeSwarm(options)
        } done: { report, wall in
            study.append(report)
            console.note(RudeText.line(report, wall: wall))
        }
        try run.report(
            "simulated_rude", digest: study.digest, text: RudeText.lines(study, options),
            members: RudeJSON.members(study, options))
        guard study.unfinished == 0 else {
            run.console.error("\(HumanText.count(study.unfinished, "client")) did not finish in time")
            throw ExitCode(ProgramExit.failure.rawValue)
        }
    }
}

/// Who is in the swarm.
struct RudeCrowdOptions: ParsableArguments {
    @Option(help: ArgumentHelp("All peers: seeds, clients that download, rude ones.", valueName: "n"))
    var peers = 200

    @Option(help: ArgumentHelp("How many of them are honest seeds.", valueName: "n"))
    var honestSeeds = 2

    @Option(help: ArgumentHelp("How many of all peers are rude.", valueName: "percent"))
    var percent = 30

    @Option(
        help: ArgumentHelp(
            "Kinds to draw from, with commas between: \(RudeKind.allCases.map(\.rawValue).joined(separator: ", ")). "
                + "(default: all)", valueName: "kinds"))
    var kinds: String?

    @Option(help: ArgumentHelp("Length of the torrent; MB is 10^6 bytes, MiB 2^20.", valueName: "size"))
    var size = DataSize(argument: "1MiB")!

    @Option(help: ArgumentHelp("Piece length.", valueName: "size"))
    var piece = DataSize(argument: "64KiB")!

    @Option(help: ArgumentHelp("About the length of the metadata.", valueName: "size"))
    var metadata = DataSize(argument: "20KB")!

    @Option(help: ArgumentHelp("A seed's link, each way.", valueName: "rate"))
    var seedUp = LinkRate(argument: "8Mbit/s")!

    @Option(help: ArgumentHelp("What each other peer can send.", valueName: "rate"))
    var up = LinkRate(argument: "1Mbit/s")!

    @Option(help: ArgumentHelp("What each other peer can receive.", valueName: "rate"))
    var down = LinkRate(argument: "10Mbit/s")!

    @Option(help: ArgumentHelp("Connections of each client.", valueName: "n"))
    var maxPeers = 60

    @Option(help: ArgumentHelp("How often links are shared anew.", valueName: "seconds"))
    var tick = Seconds(argument: "0.05")!

    private var allowed: [RudeKind]? {
        guard let kinds else { return RudeKind.allCases }
        let named = kinds.split(separator: ",").compactMap { RudeKind(rawValue: String($0)) }
        return unknown == nil && !named.isEmpty ? named : nil
    }

    /// The first kind that is none.
    private var unknown: Substring? { kinds?.split(separator: ",").first { RudeKind(rawValue: String($0)) == nil } }

    func validate() throws {
        guard (2...2_000).contains(peers), (1...peers).contains(honestSeeds), (0...95).contains(percent) else {
            throw ValidationError("--peers is 2 to 2000, --honest-seeds 1 to --peers, --percent 0 to 95.")
        }
        guard honestSeeds + peers * percent / 100 < peers else {
            throw ValidationError("--honest-seeds and --percent leave no client that downloads.")
        }
        guard allowed != nil else {
            throw ValidationError(
                unknown.map { "--kinds: there is no kind '\($0)'; --help lists them." } ?? "--kinds names no kind.")
        }
        guard (16_384...(16 << 20)).contains(piece.bytes), size.bytes / piece.bytes <= 10_000 else {
            throw ValidationError("--piece is 16KiB to 16MiB, and --size at most 10,000 of them.")
        }
        guard metadata.bytes <= 1 << 20 else { throw ValidationError("--metadata is at most 1MiB.") }
        guard tick.duration <= .milliseconds(200) else { throw ValidationError("--tick is at most 0.2.") }
        guard (4...1_000).contains(maxPeers) else { throw ValidationError("--max-peers is 4 to 1000.") }
    }

    func apply(to options: inout RudeOptions) {
        options.peers = peers
        options.seeds = honestSeeds
        options.rudeShare = Double(percent) / 100
        options.kinds = allowed ?? RudeKind.allCases
        options.byteCount = size.bytes
        options.pieceLength = piece.bytes
        options.metadataBytes = metadata.bytes
        options.seedRate = seedUp.bytesPerSecond
        options.upRate = up.bytesPerSecond
        options.downRate = down.bytesPerSecond
        options.peersMax = maxPeers
        options.tickLength = tick.duration
    }
}
