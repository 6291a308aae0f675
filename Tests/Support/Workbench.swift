package import KRPC
package import Kademlia
package import Primitives

/// One node among strangers who say whatever the test wants them to.
package struct Workbench {
    package var node: Node
    package var now: Instant
    /// What the node told, not taken yet.
    package private(set) var events: [Event] = []
    private var packets: [Sent] = []
    private var outbox = Outbox()

    /// A packet that the node sent.
    package struct Sent {
        package let to: Endpoint
        package let home: HomeIndex
        package let bytes: [UInt8]

        package init(to: Endpoint, home: HomeIndex, bytes: [UInt8]) {
            self.to = to
            self.home = home
            self.bytes = bytes
        }

        package var message: Message? { try? Message.decode(bytes.span.bytes) }

        package var query: Query? {
            if case .query(let query) = message?.body { return query }
            return nil
        }

        package var response: Response? {
            if case .response(let response) = message?.body { return response }
            return nil
        }

        package var errorCode: Int? {
            if case .error(let code, _) = message?.body { return code.rawValue }
            return nil
        }

        package var token: [UInt8] { response?.token.map { Array(bytes[$0]) } ?? [] }

        package var item: Item? {
            guard let fields = response?.item, let value = fields.value else { return nil }
            let signed = fields.sequence.map { sequence in
                Item.Signed(
                    key: fields.key.map { Array(bytes[$0]) } ?? [], sequence: sequence,
                    signature: fields.signature.map { Array(bytes[$0]) } ?? [])
            }
            return Item(value: Array(bytes[value]), signed: signed)
        }

        package var nodes: [Contact] { contacts(response?.nodes) }
        package var nodes6: [Contact] { contacts(response?.nodes6) }

        package var values: [Endpoint] {
            guard var iterator = response?.values.makeIterator(in: bytes.span.bytes) else { return [] }
            var values: [Endpoint] = []
            while let value = iterator.next(in: bytes.span.bytes) { values.append(value) }
            return values
        }

        private func contacts(_ list: CompactNodes?) -> [Contact] {
            guard let list else { return [] }
            return (0..<list.count).map { list[$0, in: bytes.span.bytes] }
        }
    }

    package init(
        _ configuration: Configuration = .loopback, homes: [HomeSetup]? = nil, restoring state: NodeState? = nil,
        seed: UInt64 = 1, now: Instant = Instant(nanoseconds: 1_000_000_000)
    ) {
        let homes = homes ?? [HomeSetup(local: .v4(127, 0, 0, 1, port: 6881))]
        node = Node(
            configuration: configuration, homes: homes, restoring: state, generator: SeededGenerator(number: seed),
            now: now)
        self.now = now
    }

    package mutating func command(_ command: Command) {
        node.command(command, now: now, into: &outbox)
        drain()
    }

    package mutating func homeReturned(at local: Endpoint) {
        node.homeReturned(0, at: local, now: now, into: &outbox)
        drain()
    }

    package mutating func receive(_ bytes: [UInt8], from source: Endpoint, at home: HomeIndex = 0) {
        node.received(bytes.span.bytes, from: source, at: home, now: now, into: &outbox)
        drain()
    }

    /// Lets time pass, with all timers that fire in it.
    package mutating func advance(by duration: Duration) {
        let end = now + duration
        while let deadline = node.nextDeadline, deadline <= end {
            now = max(now, deadline)
            node.timedOut(now: now, into: &outbox)
            drain()
        }
        now = end
    }

    /// The packets sent since this was last called.
    package mutating func takeSent() -> [Sent] {
        defer { packets = [] }
        return packets
    }

    package mutating func takeEvents() -> [Event] {
        defer { events = [] }
        return events
    }

    private mutating func drain() {
        for datagram in outbox.datagrams {
            packets.append(Sent(to: datagram.to, home: datagram.home, bytes: Array(outbox.bytes[datagram.range])))
        }
        events += outbox.events
        outbox.clear()
    }
}

/// Somebody else's node, as far as a test wants it to exist.
package struct Stranger: Sendable {
    package var id: NodeID
    package var endpoint: Endpoint

    package init(id: NodeID, endpoint: Endpoint) {
        self.id = id
        self.endpoint = endpoint
    }

    /// A stranger on loopback, with a port and a random id of its own.
    package init(_ number: Int, using generator: inout SeededGenerator) {
        self.init(id: .random(using: &generator), endpoint: .v4(127, 0, 0, 1, port: UInt16(10_000 + number)))
    }

    package var contact: Contact { Contact(id: id, endpoint: endpoint) }
    package var encoder: MessageEncoder { MessageEncoder(id: id) }

    package func ping(number: UInt32 = 1) -> [UInt8] {
        var bytes: [UInt8] = []
        encoder.ping(number: number, into: &bytes)
        return bytes
    }

    package func findNode(_ target: ID160, want: Want? = nil, number: UInt32 = 1) -> [UInt8] {
        var bytes: [UInt8] = []
        encoder.findNode(target: target, want: want, number: number, into: &bytes)
        return bytes
    }

    package func getPeers(
        _ infoHash: InfoHash, want: Want? = nil, options: GetPeersOptions = [], number: UInt32 = 1
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        encoder.getPeers(infoHash: infoHash, want: want, options: options, number: number, into: &bytes)
        return bytes
    }

    package func announcePeer(
        _ infoHash: InfoHash, port: UInt16, impliedPort: Bool = false, isSeed: Bool = false, token: [UInt8],
        number: UInt32 = 1
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        encoder.announcePeer(
            infoHash: infoHash, port: port, impliedPort: impliedPort, isSeed: isSeed, token: token, number: number,
            into: &bytes)
        return bytes
    }

    package func get(_ target: ID160, newerThan sequence: Int64? = nil, want: Want? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        encoder.get(target: target, newerThan: sequence, want: want, number: 1, into: &bytes)
        return bytes
    }

    package func put(_ item: Item, expectedSequence: Int64? = nil, token: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        encoder.put(item, expectedSequence: expectedSequence, token: token, number: 1, into: &bytes)
        return bytes
    }

    package func sampleInfoHashes(_ target: ID160, want: Want? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        encoder.sampleInfoHashes(target: target, want: want, number: 1, into: &bytes)
        return bytes
    }

    /// The answer to a query of the node's; nil when `sent` is none.
    package func reply(
        to sent: Workbench.Sent, _ content: ReplyContent = ReplyContent(), observed: Endpoint? = nil
    ) -> [UInt8] {
        guard let transaction = sent.message?.transaction else { return [] }
        var bytes: [UInt8] = []
        encoder.reply(content, to: transaction, of: sent.bytes.span.bytes, observed: observed, into: &bytes)
        return bytes
    }

    package func error(_ code: ErrorCode, to sent: Workbench.Sent) -> [UInt8] {
        guard let transaction = sent.message?.transaction else { return [] }
        var bytes: [UInt8] = []
        encoder.error(code, "no", to: transaction, of: sent.bytes.span.bytes, into: &bytes)
        return bytes
    }
}
