import ArgumentParser
import CommandSupport
import KRPC
import Kademlia
import Metainfo
import Primitives

struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Get an item from the DHT (BEP 44, BEP 46).",
        discussion: """
            Prints the value: a string as its text, anything else as it is bencoded, what is no text in hexadecimal. \
            Of a mutable item it is the newest version that the nodes closest to it have.
            """)

    @Argument(
        help: ArgumentHelp(
            """
            40 hexadecimal digits name an immutable item, 64 the key of a mutable one; or a link \
            magnet:?xs=urn:btpk:KEY.
            """, valueName: "target"),
        transform: ItemTarget.init)
    var target: ItemTarget

    @Option(help: ArgumentHelp("Which of the items of the key.", valueName: "text"))
    var salt: String?

    @Option(help: ArgumentHelp("Only a version newer than this.", valueName: "number"))
    var seq: Int64?

    @OptionGroup var options: OneShotOptions

    func validate() throws {
        if salt != nil, !target.takesSalt { throw ValidationError("--salt goes with a key of 64 hexadecimal digits.") }
        if (salt?.utf8.count ?? 0) > KRPCLimits.saltByteCount {
            throw ValidationError("a salt has at most \(KRPCLimits.saltByteCount) bytes.")
        }
    }

    func run() async throws {
        let console = options.console
        try await options.run(GetTask(target.resolved(salt), newerThan: seq, console), console)
    }
}

/// What the command line names an item by.
enum ItemTarget: Sendable {
    case hash(ID160)
    case key([UInt8])
    case link(KeyMagnet)

    init(_ text: String) throws {
        if let link = KeyMagnet(text) {
            self = .link(link)
        } else if let id = ID160(hex: text) {
            self = .hash(id)
        } else if let key = Hex.decode(text), key.count == KRPCLimits.keyByteCount {
            self = .key(key)
        } else {
            throw ValidationError(
                "an item is named by 40 or 64 hexadecimal digits, or by a link magnet:?xs=urn:btpk:KEY.")
        }
    }

    var takesSalt: Bool {
        if case .key = self { return true }
        return false
    }

    func resolved(_ salt: String?) -> (target: ID160, salt: [UInt8]) {
        switch self {
        case .hash(let id): return (id, [])
        case .link(let link): return (Item.target(key: link.key, salt: link.salt), link.salt)
        case .key(let key):
            let salt = Array((salt ?? "").utf8)
            return (Item.target(key: key, salt: salt), salt)
        }
    }
}

/// One `get` lookup.
struct GetTask: OneShotTask {
    private let target: ID160
    private let wish: ItemWish
    private let console: Console
    private var retry = LookupRetry()

    init(_ named: (target: ID160, salt: [UInt8]), newerThan sequence: Int64?, _ console: Console) {
        target = named.target
        wish = ItemWish(salt: named.salt, newerThan: sequence)
        self.console = console
    }

    let needsDHT = true
    let failure = OneShotEnd(exit: .nothingFound, message: "the lookup has not ended in time")

    func start(now: Instant) -> Command { .lookup(.ofCommand, target: target, .get(wish)) }

    mutating func happened(_ event: Event, now: Instant) -> OneShotStep {
        guard case .lookupFinished(.ofCommand, let report) = event, retry.isOver(report, now: now) else {
            return .wait
        }
        console.note(report.text)
        guard let item = report.item else {
            let what = wish.newerThan.map { "nothing newer than \($0) is stored" } ?? "nothing is stored"
            return .end(OneShotEnd(exit: .nothingFound, message: "\(what) under \(target.hex)"))
        }
        if let signed = item.signed { console.note("version \(signed.sequence) of key \(Hex.encode(signed.key))") }
        if let infoHash = KeyMagnet.infoHash(in: item.value) {
            console.result("magnet:?xt=urn:btih:\(infoHash.hex)")
        } else {
            console.result(ItemText.text(item.value))
        }
        console.event(JSONLine(event: "item", ItemText.members(item) + report.members))
        return .end(.done)
    }

    mutating func tick(now: Instant) -> OneShotStep { retry.isDue(now: now) ? .ask(start(now: now)) : .wait }
}
