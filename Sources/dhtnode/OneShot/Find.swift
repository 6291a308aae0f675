import ArgumentParser
import CommandSupport
import KRPC
import Kademlia
import Primitives

struct Find: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find the nodes closest to an id.",
        discussion: """
            Prints a line for each node that answered, id and endpoint, the nearest first; at most eight for each \
            address family.
            """)

    @Argument(help: ArgumentHelp("40 hexadecimal digits.", valueName: "id"), transform: TargetText.id)
    var id: ID160

    @OptionGroup var options: OneShotOptions

    func run() async throws {
        let console = options.console
        try await options.run(FindTask(id, console), console)
    }
}

/// One `find_node` lookup.
struct FindTask: OneShotTask {
    private let target: ID160
    private let console: Console
    private var retry = LookupRetry()

    init(_ target: ID160, _ console: Console) {
        self.target = target
        self.console = console
    }

    let needsDHT = true
    let failure = OneShotEnd(exit: .nothingFound, message: "the lookup has not ended in time")

    func start(now: Instant) -> Command { .lookup(.ofCommand, target: target, .findNode) }

    mutating func happened(_ event: Event, now: Instant) -> OneShotStep {
        guard case .lookupFinished(.ofCommand, let report) = event, retry.isOver(report, now: now) else {
            return .wait
        }
        show(report)
        return .end(.done)
    }

    mutating func tick(now: Instant) -> OneShotStep { retry.isDue(now: now) ? .ask(start(now: now)) : .wait }

    private func show(_ report: LookupReport) {
        for contact in report.closest { console.result("\(contact.id.hex) \(contact.endpoint)") }
        console.note(report.text)
        let nodes = report.closest.map { contact in
            JSONValue.object([
                .init("id", .string(contact.id.hex)), .init("endpoint", .string(contact.endpoint.description)),
            ])
        }
        console.event(
            JSONLine(
                event: "nodes",
                [.init("target", .string(target.hex)), .init("nodes", .array(nodes))] + report.members))
    }
}
