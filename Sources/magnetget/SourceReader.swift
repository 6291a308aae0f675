import CommandSupport
import KRPC
import Kademlia
import Metainfo
import Primitives

/// Reads what the command line names; a link to a key is first looked up in the DHT (BEP 46).
struct SourceReader {
    private let configuration: GetConfiguration
    private let console: Console

    init(_ configuration: GetConfiguration, _ console: Console) {
        self.configuration = configuration
        self.console = console
    }

    func read(_ text: String) async throws(GetSource.Failure) -> GetSource {
        let source = try await find(text)
        for remark in source.remarks { console.note(TerminalText.escaped(remark)) }
        return source
    }

    private func find(_ text: String) async throws(GetSource.Failure) -> GetSource {
        // A link that names a torrent as well is about that one.
        guard (try? Magnet(text)) == nil, let link = KeyMagnet(text) else { return try GetSource(text) }
        guard configuration.usesDHT else {
            throw GetSource.Failure(
                .usage, "what a key points at is known to the DHT only", advice: "leave out --no-dht")
        }
        console.note("asking the DHT which torrent the key \(Hex.encode(link.key)) points at")
        var shot = OneShot(configuration.network, configuration.limits, console)
        let end = await shot.end(of: KeyLookup(link, console))
        guard let item = end.item, let infoHash = KeyMagnet.infoHash(in: item.value) else {
            throw GetSource.Failure(end.exit, end.message ?? "interrupted", advice: end.advice)
        }
        console.note("it points at \(infoHash.hex)")
        console.event(
            JSONLine(
                event: "resolved",
                [
                    .init("info_hash", .string(infoHash.hex)), .init("key", .string(Hex.encode(link.key))),
                    .init("salt", .string(Hex.encode(link.salt))),
                    .init("seq", item.signed.map { .integer(Int($0.sequence)) } ?? .null),
                ]))
        // Names, trackers and peers that the link has besides are those of the torrent.
        let parameters = text.drop { $0 != "?" }.dropFirst()
        return try GetSource("magnet:?xt=urn:btih:\(infoHash.hex)&\(parameters)")
    }
}

/// The newest item of a key.
private struct KeyLookup: OneShotTask {
    private let link: KeyMagnet
    private let console: Console
    private var retry = LookupRetry()

    init(_ link: KeyMagnet, _ console: Console) {
        self.link = link
        self.console = console
    }

    let needsDHT = true
    let failure = OneShotEnd(exit: .nothingFound, message: "the lookup of the key has not ended in time")

    func start(now: Instant) -> Command {
        .lookup(
            LookupID(1), target: Item.target(key: link.key, salt: link.salt),
            .get(ItemWish(salt: link.salt, newerThan: nil)))
    }

    mutating func happened(_ event: Event, now: Instant) -> OneShotStep {
        guard case .lookupFinished(_, let report) = event, retry.isOver(report, now: now) else { return .wait }
        console.note("\(report.answered) nodes answered", verbosity: 1)
        guard let item = report.item else {
            return .end(OneShotEnd(exit: .nothingFound, message: "nothing is stored under the key of the link"))
        }
        guard KeyMagnet.infoHash(in: item.value) != nil else {
            return .end(OneShotEnd(exit: .badContent, message: "what the key points at is no torrent"))
        }
        return .end(OneShotEnd(exit: .done, item: item))
    }

    mutating func tick(now: Instant) -> OneShotStep { retry.isDue(now: now) ? .ask(start(now: now)) : .wait }
}
