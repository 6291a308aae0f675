import Digest
package import Kademlia
package import Primitives

/// Nodes, and the wires between them.
package struct VirtualNetwork: Sendable {
    /// A node's number; its address follows from it.
    package typealias NodeIndex = Int

    package struct Traffic: Equatable, Sendable {
        package var datagramsSent = 0
        package var datagramsLost = 0
        package var bytesSent = 0
        /// Packets delivered and timers fired.
        package var events = 0
    }

    private enum Occurrence: BitwiseCopyable, Sendable {
        case delivery(PacketSlab.Handle, from: UInt32, to: UInt32)
        case timer(UInt32)
    }

    private static let port: UInt16 = 6881

    private let latency: LatencyModel
    private let lossShare: Double
    private let pairHash: SipHash
    private var generator: SeededGenerator
    private var wheel = EventWheel<Occurrence>()
    private var slab = PacketSlab()
    private var nodes: [Node] = []
    private var isAlive: [Bool] = []
    /// When each node's one timer fires; in the far future when none is armed.
    private var armedFor: [Instant] = []
    private var outbox = Outbox()
    private var packet: [UInt8] = []
    package private(set) var traffic = Traffic()
    package private(set) var digest = RunDigest()
    /// What nodes told since `takeEvents`.
    private var events: [(node: NodeIndex, event: Event)] = []

    /// - Parameter lossShare: how many of all packets are lost, 0 to 1.
    package init(latency: LatencyModel, lossShare: Double, generator: SeededGenerator) {
        var generator = generator
        self.latency = latency
        self.lossShare = lossShare
        pairHash = SipHash(key: (generator.next(), generator.next()))
        self.generator = generator
    }

    package var now: Instant { wheel.now }
    package var nodeCount: Int { nodes.count }

    package func endpoint(of node: NodeIndex) -> Endpoint {
        .v4(EndpointV4(address: AddressPlan.address(of: node), port: Self.port))
    }

    package func node(_ index: NodeIndex) -> Node { nodes[index] }

    /// Adds a node that knows nobody, with an id that its address allows.
    package mutating func add(configuration: Configuration) -> NodeIndex {
        let index = nodes.count
        let endpoint = endpoint(of: index)
        let home = HomeSetup(local: endpoint, id: SecureID.make(for: endpoint, using: &generator))
        let node = Node(configuration: configuration, homes: [home], generator: generator.split(), now: now)
        nodes.append(node)
        isAlive.append(true)
        armedFor.append(.distantFuture)
        return index
    }

    /// From now on the node is silent and deaf.
    package mutating func kill(_ index: NodeIndex) {
        isAlive[index] = false
    }

    package mutating func command(_ command: Command, to index: NodeIndex) {
        guard isAlive[index] else { return }
        let now = now
        nodes[index].command(command, now: now, into: &outbox)
        settle(index)
    }

    /// Lets one thing happen, if any does until `limit`; otherwise the clock moves there.
    package mutating func step(until limit: Instant) -> Bool {
        guard let occurrence = wheel.next(until: limit) else { return false }
        traffic.events += 1
        switch occurrence {
        case .delivery(let handle, let source, let target): deliver(handle, from: Int(source), to: Int(target))
        case .timer(let index): fire(Int(index))
        }
        return true
    }

    package mutating func run(until limit: Instant) {
        while step(until: limit) {}
    }

    package mutating func takeEvents() -> [(node: NodeIndex, event: Event)] {
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    private mutating func deliver(_ handle: PacketSlab.Handle, from source: NodeIndex, to target: NodeIndex) {
        // Out of `self` for the while, since a span of a field shuts off all of it.
        var packet: [UInt8] = []
        swap(&packet, &self.packet)
        slab.remove(handle, into: &packet)
        if isAlive[target] {
            let (origin, now) = (endpoint(of: source), now)
            nodes[target].received(packet.span.bytes, from: origin, at: 0, now: now, into: &outbox)
            settle(target)
        }
        swap(&packet, &self.packet)
    }

    private mutating func fire(_ index: NodeIndex) {
        // A timer that was armed before an earlier one is passed over: the node has armed another since.
        let now = now
        guard isAlive[index], armedFor[index] == now else { return }
        armedFor[index] = .distantFuture
        nodes[index].timedOut(now: now, into: &outbox)
        settle(index)
    }

    /// Drains what a node wants done, and arms its timer.
    private mutating func settle(_ index: NodeIndex) {
        for datagram in outbox.datagrams { carry(datagram, from: index) }
        for event in outbox.events {
            digest.absorb(event, at: now, of: index)
            events.append((index, event))
        }
        outbox.clear()
        guard let deadline = nodes[index].nextDeadline, deadline < armedFor[index] else { return }
        armedFor[index] = wheel.schedule(.timer(UInt32(index)), at: deadline)
    }

    private mutating func carry(_ datagram: Outbox.Datagram, from source: NodeIndex) {
        let bytes = outbox.bytes[datagram.range]
        traffic.datagramsSent += 1
        traffic.bytesSent += bytes.count
        digest.absorb(UInt64(bitPattern: now.nanoseconds) ^ UInt64(source) << 40)
        digest.absorb(bytes.span.bytes)
        guard let target = index(of: datagram.to), !isLost(), let handle = slab.insert(bytes) else {
            traffic.datagramsLost += 1
            return
        }
        let arrival = now + latency.latency(hash: hash(source, target))
        wheel.schedule(.delivery(handle, from: UInt32(source), to: UInt32(target)), at: arrival)
    }

    private func index(of endpoint: Endpoint) -> NodeIndex? {
        guard case .v4(let v4) = endpoint, v4.port == Self.port, let index = AddressPlan.index(of: v4.address) else {
            return nil
        }
        return nodes.indices.contains(index) ? index : nil
    }

    private mutating func isLost() -> Bool {
        lossShare > 0 && Double.random(in: 0..<1, using: &generator) < lossShare
    }

    private func hash(_ first: NodeIndex, _ second: NodeIndex) -> UInt64 {
        let pair: [1 of UInt64] = [UInt64(min(first, second)) << 32 | UInt64(max(first, second))]
        return pairHash.hash(pair.span.bytes)
    }
}
