import ArgumentParser
import CommandSupport
import Kademlia
import Primitives

struct Scrape: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Estimate how many seeds and peers a torrent has (BEP 33).",
        discussion: """
            The nodes closest to the infohash say whom they know as Bloom filters; joined, these tell about how many \
            there are. Nodes without BEP 33 say nothing, and then the command ends with exit code 4.
            """)

    @Argument(
        help: ArgumentHelp("40 hexadecimal or 32 base32 digits, or a magnet link.", valueName: "infohash"),
        transform: TargetText.infoHash)
    var infoHash: InfoHash

    @OptionGroup var options: OneShotOptions

    func run() async throws {
        let console = options.console
        try await options.run(ScrapeTask(infoHash, console), console)
    }
}

/// One `get_peers` lookup with `scrape`.
struct ScrapeTask: OneShotTask {
    private let infoHash: InfoHash
    private let console: Console
    private var retry = LookupRetry()

    init(_ infoHash: InfoHash, _ console: Console) {
        self.infoHash = infoHash
        self.console = console
    }

    let needsDHT = true
    let failure = OneShotEnd(exit: .nothingFound, message: "the lookup has not ended in time")

    func start(now: Instant) -> Command { .lookup(.ofCommand, target: infoHash, .scrape) }

    mutating func happened(_ event: Event, now: Instant) -> OneShotStep {
        guard case .lookupFinished(.ofCommand, let report) = event, retry.isOver(report, now: now) else {
            return .wait
        }
        guard let scrape = report.scrape else {
            console.note(report.text)
            let message = "none of the nodes that answered counts peers (BEP 33)"
            return .end(OneShotEnd(exit: .nothingFound, message: message))
        }
        show(scrape, report)
        return .end(.done)
    }

    mutating func tick(now: Instant) -> OneShotStep { retry.isDue(now: now) ? .ask(start(now: now)) : .wait }

    private func show(_ scrape: ScrapeEstimate, _ report: LookupReport) {
        let (seeds, peers) = (Int(scrape.seeds.rounded()), Int(scrape.peers.rounded()))
        console.result("about \(HumanText.count(seeds, "seed")) and \(HumanText.count(peers, "other peer"))")
        console.note("as \(HumanText.count(scrape.nodes, "node")) count them; \(report.text)")
        console.event(
            JSONLine(
                event: "scrape",
                [
                    .init("info_hash", .string(infoHash.hex)), .init("seeds", .number(scrape.seeds)),
                    .init("peers", .number(scrape.peers)), .init("nodes", .integer(scrape.nodes)),
                ] + report.members))
    }
}
