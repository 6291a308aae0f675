import ArgumentParser
import CommandSupport
import Kademlia
import Metainfo
import Primitives

struct Ping: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a node for a sign of life.",
        discussion: """
            Prints the round trip, the node's id, its client version, and whether its address may have that id \
            (BEP 42). A node that does not answer three pings ends it with exit code 4.
            """)

    @Argument(help: ArgumentHelp("Where the node is.", valueName: "host:port"))
    var node: PeerAddress

    @OptionGroup var options: OneShotOptions

    func run() async throws {
        let console = options.console
        let endpoint: Endpoint
        do {
            let network = try options.network.configuration(defaultPort: 0)
            guard let first = try await network.resolve(node).first else {
                throw NoAddress(description: "it has no address of a family that is switched on")
            }
            endpoint = first
        } catch {
            console.error(TerminalText.escaped("\(node): \(error)"))
            throw ExitCode(ProgramExit.noDHT.rawValue)
        }
        try await options.run(PingTask(endpoint, console), console)
    }

    private struct NoAddress: Error, CustomStringConvertible {
        let description: String
    }
}

/// Pings until an answer comes, three times.
struct PingTask: OneShotTask {
    private static let pause = Duration.seconds(2)
    private static let attemptsMax = 3

    private let endpoint: Endpoint
    private let console: Console
    private var attempts = 0
    private var nextAt = Instant.origin

    init(_ endpoint: Endpoint, _ console: Console) {
        self.endpoint = endpoint
        self.console = console
    }

    let needsDHT = false

    var failure: OneShotEnd {
        OneShotEnd(
            exit: .nothingFound, message: "\(endpoint) does not answer (\(HumanText.count(attempts, "ping")))",
            advice: "there may be no node, or something between here and there that drops UDP")
    }

    mutating func start(now: Instant) -> Command {
        attempts += 1
        nextAt = now + Self.pause
        return .ping(endpoint)
    }

    mutating func happened(_ event: Event, now: Instant) -> OneShotStep {
        guard case .pinged(endpoint, let pong?) = event else { return .wait }
        show(pong)
        return .end(.done)
    }

    mutating func tick(now: Instant) -> OneShotStep {
        guard now >= nextAt else { return .wait }
        guard attempts < Self.attemptsMax else { return .end(failure) }
        return .ask(start(now: now))
    }

    private func show(_ pong: Pong) {
        console.event(
            JSONLine(
                event: "pong",
                [
                    .init("node", .string(endpoint.description)), .init("id", .string(pong.id.hex)),
                    .init("round_trip", .number(pong.roundTrip / .seconds(1))),
                    .init("version", .string(Hex.encode(pong.version))),
                    .init("client", clientCode(pong).map { .string($0) } ?? .null),
                    .init("secure_id", .string(verdict(pong).name)),
                    .init("observed", pong.observed.map { .string($0.description) } ?? .null),
                ]))
        console.result("\(endpoint) answers in \(HumanText.milliseconds(pong.roundTrip))")
        console.result("id       \(pong.id.hex)")
        let client = clientCode(pong).map { " (\($0))" } ?? ""
        console.result("version  \(pong.version.isEmpty ? "not told" : Hex.encode(pong.version) + client)")
        console.result("BEP 42   \(verdict(pong).text)")
        if let observed = pong.observed { console.result("sees us  \(observed)") }
    }

    /// The two letters that most clients begin `v` with.
    private func clientCode(_ pong: Pong) -> String? {
        let letters = pong.version.prefix(2)
        let isText = letters.count == 2 && letters.allSatisfy { (0x21...0x7e).contains($0) }
        return isText ? String(decoding: letters, as: UTF8.self) : nil
    }

    private func verdict(_ pong: Pong) -> (name: String, text: String) {
        if endpoint.scope != .global { return ("exempt", "exempt: a local address may have any id") }
        return SecureID.isValid(pong.id, for: endpoint)
            ? ("valid", "valid: the address may have this id")
            : ("invalid", "invalid: the address may not have this id")
    }
}
