import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// One limit, and how it is reached: the same scenario runs with the limit as the case sets it, where something must
/// be refused, and with the default, where nothing may be.
struct LimitCase: Sendable, CustomTestStringConvertible {
    /// The stored property of `Configuration.Limits`, `Budgets`, `TableRules` or `SearchRules`.
    let name: String
    /// What both runs have in common.
    let common: @Sendable (inout Configuration) -> Void
    let tight: @Sendable (inout Configuration) -> Void
    /// Plays the scenario; returns how much was refused.
    let refusals: @Sendable (Configuration) -> Int

    var testDescription: String { name }

    init(
        _ name: String, common: @escaping @Sendable (inout Configuration) -> Void = { _ in },
        tight: @escaping @Sendable (inout Configuration) -> Void,
        refusals: @escaping @Sendable (Configuration) -> Int
    ) {
        self.name = name
        self.common = common
        self.tight = tight
        self.refusals = refusals
    }

    static let all = limits + budgets + table + search
}

/// A node and as many strangers as a scenario needs.
struct LimitScene {
    var bench: Workbench
    private var generator = SeededGenerator(number: 79)

    init(_ configuration: Configuration, restoring state: NodeState? = nil) {
        let isPublic = configuration.networkMode == .public
        let own = isPublic ? Endpoint.v4(44, 0, 0, 1, port: 6881) : .v4(127, 0, 0, 1, port: 6881)
        bench = Workbench(configuration, homes: [HomeSetup(local: own)], restoring: state)
    }

    var statistics: Statistics { bench.node.statistics }

    /// An address of its own in a network of its own in public mode, else a port of its own.
    func endpoint(_ number: Int) -> Endpoint {
        bench.node.configuration.networkMode == .public
            ? .v4(EndpointV4(address: 0x2D00_0001 + UInt32(number) << 8, port: 7000))
            : .v4(127, 0, 0, 1, port: UInt16(10_000 + number))
    }

    mutating func stranger(_ number: Int) -> Stranger { stranger(at: endpoint(number)) }

    mutating func stranger(at endpoint: Endpoint) -> Stranger {
        Stranger(id: .random(using: &generator), endpoint: endpoint)
    }

    /// The packets that the node sent since the last time.
    mutating func sent() -> [Workbench.Sent] { bench.takeSent() }

    mutating func receive(_ bytes: [UInt8], from stranger: Stranger) {
        bench.receive(bytes, from: stranger.endpoint)
    }

    /// Answers a query of the node's, whoever was asked.
    mutating func answer(_ query: Workbench.Sent, as stranger: Stranger, _ content: ReplyContent = ReplyContent()) {
        bench.receive(stranger.reply(to: query, content), from: query.to)
    }

    mutating func put(_ item: Item, by giver: Stranger) {
        receive(giver.get(item.target), from: giver)
        let token = sent().last { $0.to == giver.endpoint }?.token ?? []
        receive(giver.put(item, token: token), from: giver)
    }

    /// Gives the node eight contacts and more.
    mutating func befriend(_ count: Int = 12) {
        for number in 0..<count {
            let friend = stranger(3000 + number)
            receive(friend.ping(), from: friend)
            bench.advance(by: .milliseconds(200))
            for query in sent() where query.query != nil && query.to == friend.endpoint {
                receive(friend.reply(to: query), from: friend)
            }
        }
        _ = sent()
    }

    mutating func announce(_ infoHash: InfoHash, port: UInt16 = 5000, by announcer: Stranger) {
        receive(announcer.getPeers(infoHash), from: announcer)
        let token = sent().last { $0.to == announcer.endpoint }?.token ?? []
        receive(announcer.announcePeer(infoHash, port: port, token: token), from: announcer)
    }

    /// Starts a lookup that asks one node, which answers with this.
    mutating func answerLookup(with content: ReplyContent) {
        let seed = stranger(1)
        bench.command(.bootstrap([seed.endpoint]))
        bench.command(.lookup(LookupID(1), target: .zero, .getPeers))
        guard let query = sent().last else { return }
        receive(seed.reply(to: query, content), from: seed)
    }
}
