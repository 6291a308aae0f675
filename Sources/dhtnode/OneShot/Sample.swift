import ArgumentParser
import CommandSupport
import KRPC
import Kademlia
import Primitives

struct Sample: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask nodes for some of the infohashes that they store (BEP 51).",
        discussion: """
            Asks the nodes on the way to an id, a random one if none is given, and prints each infohash once, the \
            moment that it comes. With --verbose it says whose it is and how many more that node has.
            """)

    @Argument(help: ArgumentHelp("40 hexadecimal digits.", valueName: "target"), transform: TargetText.id)
    var target: ID160?

    @OptionGroup var options: OneShotOptions

    func run() async throws {
        let console = options.console
        var system = SystemRandomNumberGenerator()
        let target = target ?? ID160(high: system.next(), middle: system.next(), low: system.next())
        try await options.run(SampleTask(target, console), console)
    }
}

/// One lookup with `sample_infohashes`.
struct SampleTask: OneShotTask {
    private let target: ID160
    private let console: Console
    private var retry = LookupRetry()
    private var found: Set<InfoHash> = []

    init(_ target: ID160, _ console: Console) {
        self.target = target
        self.console = console
    }

    let needsDHT = true
    var failure: OneShotEnd {
        found.isEmpty ? OneShotEnd(exit: .nothingFound, message: "no infohash was given in time") : .done
    }

    func start(now: Instant) -> Command { .lookup(.ofCommand, target: target, .sample) }

    mutating func happened(_ event: Event, now: Instant) -> OneShotStep {
        switch event {
        case .samplesFound(.ofCommand, let hashes, let source, let total):
            let text = HumanText.count(total, "infohash", "infohashes")
            console.note("\(source.endpoint) stores \(text), and gave \(hashes.count)", verbosity: 1)
            for hash in hashes where found.insert(hash).inserted { console.result(hash.hex) }
            console.event(
                JSONLine(
                    event: "sample",
                    [
                        .init("from", .string(source.endpoint.description)), .init("id", .string(source.id.hex)),
                        .init("total", .integer(total)), .init("info_hashes", .array(hashes.map { .string($0.hex) })),
                    ]))
        case .lookupFinished(.ofCommand, let report) where retry.isOver(report, now: now):
            show(report)
            guard found.isEmpty else { return .end(.done) }
            let message =
                report.sampledFrom == 0
                ? "none of the nodes that answered gives samples (BEP 51)" : "the nodes asked store no infohashes"
            return .end(OneShotEnd(exit: .nothingFound, message: message))
        default: break
        }
        return .wait
    }

    mutating func tick(now: Instant) -> OneShotStep { retry.isDue(now: now) ? .ask(start(now: now)) : .wait }

    private func show(_ report: LookupReport) {
        let text = HumanText.count(found.count, "infohash", "infohashes")
        console.note("\(text) from \(HumanText.count(report.sampledFrom, "node")); \(report.text)")
        console.event(
            JSONLine(
                event: "samples",
                [
                    .init("target", .string(target.hex)), .init("info_hashes", .integer(found.count)),
                    .init("nodes", .integer(report.sampledFrom)),
                ] + report.members))
    }
}
