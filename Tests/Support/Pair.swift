package import Kademlia
package import Primitives

/// Two nodes, one clock, and a wire with a latency between them: enough to test what two nodes do to each other.
///
/// Time jumps from event to event. Each node has one home for each family asked for, on loopback, so the
/// configurations should be of private networks.
package struct Pair {
    package enum Side: Int, CaseIterable, Sendable {
        case a, b

        package var other: Side { self == .a ? .b : .a }
    }

    /// A packet on the wire.
    package struct Packet {
        package let sender: Side
        package let home: HomeIndex
        package let to: Endpoint
        package let bytes: [UInt8]
        package let arrival: Instant
    }

    package private(set) var now = Instant.origin
    package var latency = Duration.milliseconds(50)
    /// Packets for which this says true are lost.
    package var loses: (Packet) -> Bool = { _ in false }
    package private(set) var inFlight: [Packet] = []
    /// Every packet that was sent, lost or not.
    package private(set) var sent: [Packet] = []
    private var nodes: [Node]
    private var events: [[Event]] = [[], []]
    private let endpoints: [[Endpoint]]
    private var outbox = Outbox()

    package init(
        _ a: Configuration = .loopback, _ b: Configuration = .loopback, families: [Endpoint.Family] = [.v4],
        seed: UInt64 = 1
    ) {
        var generator = SeededGenerator(number: seed)
        let endpoints = Side.allCases.map { side in families.map { Pair.endpoint(of: side, $0) } }
        nodes = zip([a, b], endpoints).map { configuration, homes in
            Node(
                configuration: configuration, homes: homes.map { HomeSetup(local: $0) },
                generator: generator.split(), now: .origin)
        }
        self.endpoints = endpoints
    }

    package subscript(side: Side) -> Node { nodes[side.rawValue] }

    package func endpoint(_ side: Side, home: HomeIndex = 0) -> Endpoint { endpoints[side.rawValue][home] }

    /// What `side` told since it was last asked.
    package mutating func takeEvents(_ side: Side) -> [Event] {
        defer { events[side.rawValue] = [] }
        return events[side.rawValue]
    }

    package mutating func command(_ command: Command, to side: Side) {
        nodes[side.rawValue].command(command, now: now, into: &outbox)
        settle(side)
    }

    /// The next packet arrives or the next timer fires, whichever is first; false when nothing is left to happen.
    package mutating func step() -> Bool {
        guard let next = nextMoment else { return false }
        now = max(now, next)
        if let index = inFlight.firstIndex(where: { $0.arrival <= now }) {
            deliver(inFlight.remove(at: index))
        } else {
            for side in Side.allCases where nodes[side.rawValue].nextDeadline.map({ $0 <= now }) ?? false {
                nodes[side.rawValue].timedOut(now: now, into: &outbox)
                settle(side)
            }
        }
        return true
    }

    /// Steps until no packet is under way.
    package mutating func drive() {
        while !inFlight.isEmpty { _ = step() }
    }

    /// Lets everything happen until `limit`, and then it is `limit`.
    package mutating func run(until limit: Instant) {
        while let next = nextMoment, next <= limit { _ = step() }
        now = max(now, limit)
    }

    package mutating func run(for duration: Duration) {
        run(until: now + duration)
    }

    private var nextMoment: Instant? {
        let moments = nodes.compactMap(\.nextDeadline) + inFlight.map(\.arrival)
        return moments.min()
    }

    private mutating func deliver(_ packet: Packet) {
        guard let (side, home) = place(of: packet.to) else { return }
        let source = endpoints[packet.sender.rawValue][packet.home]
        nodes[side.rawValue].received(packet.bytes.span.bytes, from: source, at: home, now: now, into: &outbox)
        settle(side)
    }

    private mutating func settle(_ side: Side) {
        for datagram in outbox.datagrams {
            let packet = Packet(
                sender: side, home: datagram.home, to: datagram.to, bytes: Array(outbox.bytes[datagram.range]),
                arrival: now + latency)
            sent.append(packet)
            if !loses(packet) { inFlight.append(packet) }
        }
        events[side.rawValue] += outbox.events
        outbox.clear()
    }

    private func place(of endpoint: Endpoint) -> (Side, HomeIndex)? {
        for side in Side.allCases {
            if let home = endpoints[side.rawValue].firstIndex(of: endpoint) { return (side, home) }
        }
        return nil
    }

    private static func endpoint(of side: Side, _ family: Endpoint.Family) -> Endpoint {
        let port = UInt16(7000 + side.rawValue)
        return family == .v4 ? .v4(127, 0, 0, 1, port: port) : .v6(EndpointV6(high: 0, low: 1, port: port))
    }
}

extension Configuration {
    /// A node of a private network, with the defaults otherwise.
    package static var loopback: Configuration {
        var configuration = Configuration()
        configuration.networkMode = .private
        return configuration
    }
}
