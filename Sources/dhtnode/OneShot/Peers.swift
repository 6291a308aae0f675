import ArgumentParser
import CommandSupport
import Kademlia
import Primitives

struct Peers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find the peers of a torrent.",
        discussion: """
            Prints each peer the moment that it is found. --announce then announces a peer at this address to the \
            nodes closest to the infohash; they forget it after 30 to 45 minutes.
            """)

    @Argument(
        help: ArgumentHelp("40 hexadecimal or 32 base32 digits, or a magnet link.", valueName: "infohash"),
        transform: TargetText.infoHash)
    var infoHash: InfoHash

    @Option(help: ArgumentHelp("Announce ourselves as a peer at this TCP port.", valueName: "port"))
    var announce: UInt16?

    @OptionGroup var options: OneShotOptions

    func validate() throws {
        if announce == 0 { throw ValidationError("--announce must be 1 to 65535.") }
    }

    func run() async throws {
        let console = options.console
        try await options.run(PeersTask(infoHash, announce: announce, console), console)
    }
}

/// One `get_peers` lookup, with an announce at its end if that is wanted.
struct PeersTask: OneShotTask {
    private let infoHash: InfoHash
    private let port: UInt16?
    private let console: Console
    private var retry = LookupRetry()
    private var startedAt: Instant?
    private var firstPeerAfter: Duration?

    init(_ infoHash: InfoHash, announce port: UInt16?, _ console: Console) {
        self.infoHash = infoHash
        self.port = port
        self.console = console
    }

    let needsDHT = true
    var failure: OneShotEnd {
        // Those found so far are printed, so the time was not wasted.
        if firstPeerAfter != nil, port == nil { return .done }
        return OneShotEnd(exit: .nothingFound, message: "the lookup has not ended in time")
    }

    mutating func start(now: Instant) -> Command {
        startedAt = startedAt ?? now
        return .lookup(.ofCommand, target: infoHash, port.map { .announce(port: $0) } ?? .getPeers)
    }

    mutating func happened(_ event: Event, now: Instant) -> OneShotStep {
        switch event {
        case .peersFound(.ofCommand, let peers, let source):
            if firstPeerAfter == nil { firstPeerAfter = startedAt?.duration(to: now) }
            for peer in peers { show(peer, source) }
        case .lookupFinished(.ofCommand, let report) where retry.isOver(report, now: now):
            show(report)
            return .end(end(report))
        default: break
        }
        return .wait
    }

    mutating func tick(now: Instant) -> OneShotStep { retry.isDue(now: now) ? .ask(start(now: now)) : .wait }

    private func end(_ report: LookupReport) -> OneShotEnd {
        if port != nil {
            guard report.announcedTo == 0 else { return .done }
            return OneShotEnd(exit: .nothingFound, message: "no node has taken the announce")
        }
        guard report.peers == 0 else { return .done }
        return OneShotEnd(exit: .nothingFound, message: "nobody is known to have \(infoHash.hex)")
    }

    private func show(_ peer: Endpoint, _ source: Endpoint) {
        console.result(peer.description)
        console.note("\(peer) is known to \(source)", verbosity: 1)
        console.event(
            JSONLine(
                event: "peer",
                [
                    .init("info_hash", .string(infoHash.hex)), .init("peer", .string(peer.description)),
                    .init("from", .string(source.description)),
                ]))
    }

    private func show(_ report: LookupReport) {
        if port != nil { console.note("announced to \(HumanText.count(report.announcedTo, "node"))") }
        console.note("\(HumanText.count(report.peers, "peer")); \(report.text)")
        console.event(
            JSONLine(
                event: "peers",
                [
                    .init("info_hash", .string(infoHash.hex)), .init("peers", .integer(report.peers)),
                    .init("announced_to", .integer(report.announcedTo)),
                    .init("first_peer", firstPeerAfter.map { .number($0 / .seconds(1)) } ?? .null),
                ] + report.members))
    }
}
