import KRPC
package import Kademlia
package import Primitives

/// A node that takes part like any other, and gives wrong answers: the background of every real network.
///
/// It looks for nodes now and then so that others come to know it, and answers pings as an honest node does.
package struct HostileNode: Adversary {
    package enum Kind: CaseIterable, Sendable {
        /// Answers pings and find_node, and is silent when asked for peers.
        case silentOnPeers
        /// Names eight contacts next to any target, at addresses where nobody is.
        case namesGhosts
        /// Gives itself another id with each answer: one next to the target.
        case changesID
        /// Gives peers that do not exist.
        case inventsPeers
    }

    package let homes: [Endpoint]
    package private(set) var nextDeadline: Instant?
    private let kind: Kind
    private var known: [Endpoint]
    private var encoder: MessageEncoder
    private var generator: SeededGenerator

    private static let pause = Duration.seconds(15)
    private static let knownLimit = 64

    package init(
        _ kind: Kind, at endpoint: Endpoint, knowing known: [Endpoint], generator: SeededGenerator, now: Instant
    ) {
        var generator = generator
        self.kind = kind
        self.known = known
        homes = [endpoint]
        encoder = MessageEncoder(id: SecureID.make(for: endpoint, using: &generator))
        self.generator = generator
        nextDeadline = now + .milliseconds(10)
    }

    package mutating func timedOut(now: Instant, into outbox: inout Outbox) {
        nextDeadline = now + Self.pause
        guard let endpoint = known.randomElement(using: &generator) else { return }
        let target = NodeID.random(using: &generator)
        let number = UInt32(truncatingIfNeeded: generator.next())
        let encoder = encoder
        outbox.append(to: endpoint) { encoder.findNode(target: target, number: number, into: &$0) }
    }

    package mutating func received(
        _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
    ) {
        guard let message = try? Message.decode(packet) else { return }
        switch message.body {
        case .query(let query): answer(query, message, packet, to: source, into: &outbox)
        case .response(let response): learn(response, packet)
        case .error: break
        }
    }

    private mutating func learn(_ response: Response, _ packet: RawSpan) {
        for index in 0..<min(response.nodes.count, 8) {
            let endpoint = response.nodes[index, in: packet].endpoint
            if known.count < Self.knownLimit {
                known.append(endpoint)
            } else {
                known[Int.random(in: known.indices, using: &generator)] = endpoint
            }
        }
    }

    private mutating func answer(
        _ query: Query, _ message: Message, _ packet: RawSpan, to source: Endpoint, into outbox: inout Outbox
    ) {
        var content = ReplyContent()
        var encoder = encoder
        var asksForPeers = false
        if case .getPeers = query.method { asksForPeers = true }
        if kind == .silentOnPeers, asksForPeers { return }
        if let target = query.target {
            content.nodes = kind == .namesGhosts ? ghosts(near: target) : []
            if kind == .changesID { encoder.id = near(target) }
        }
        if asksForPeers {
            content.token = generator.next()
            if kind == .inventsPeers { content.values = (0..<8).map { _ in ghostEndpoint() } }
        }
        outbox.append(to: source) { bytes in
            encoder.reply(content, to: message.transaction, of: packet, observed: source, into: &bytes)
        }
    }

    private mutating func ghosts(near target: ID160) -> [Contact] {
        (0..<8).map { _ in Contact(id: near(target), endpoint: ghostEndpoint()) }
    }

    /// Shares 64 bits with the target.
    private mutating func near(_ target: ID160) -> ID160 {
        ID160(high: target.high, middle: generator.next(), low: UInt32(truncatingIfNeeded: generator.next()))
    }

    /// In 80.0.0.0/8, where no host of a simulation is.
    private mutating func ghostEndpoint() -> Endpoint {
        .v4(EndpointV4(address: 80 << 24 | UInt32(truncatingIfNeeded: generator.next()) & 0xFF_FFFF, port: 6881))
    }
}
