import Client
import Digest
package import Kademlia
package import Primitives

/// Hosts, the wires between them, and the clock.
///
/// Scenarios add hosts, give them commands, let time pass with `step`, and read what nodes told (`takeEvents`) and
/// what watched hosts sent and received (`takePackets`).
package struct VirtualNetwork: Sendable {
    package struct Traffic: Equatable, Sendable {
        package var datagramsSent = 0
        /// By the network: loss, blackouts, nobody at the address.
        package var datagramsLost = 0
        /// By translators, since nobody had asked for them.
        package var datagramsFiltered = 0
        package var datagramsDoubled = 0
        package var bytesSent = 0
        /// TCP connections that clients asked for.
        package var calls = 0
        /// Packets delivered and timers fired.
        package var events = 0
    }

    enum Occurrence: BitwiseCopyable, Sendable {
        /// From this address and port, to this host's port.
        case delivery(PacketSlab.Handle, address: UInt32, port: UInt16, to: UInt32, at: UInt16)
        /// Of a host.
        case timer(UInt32)
        case connection(ConnectionTable.Number, ConnectionFact)
    }

    package static let port: UInt16 = 6881

    package var faults: FaultRules
    let latency: LatencyModel
    let pairHash: SipHash
    var generator: SeededGenerator
    var wheel = EventWheel<Occurrence>()
    var slab = PacketSlab()
    var flows = MappingTable(localPort: VirtualNetwork.port)
    var hosts: [Host] = []
    var book = AddressBook()
    var nodes: [Node] = []
    var adversaries: [any Adversary] = []
    var clients: [ClientHost] = []
    var freeClientSlots: [UInt32] = []
    var connections = ConnectionTable()
    /// When each host's one timer fires; in the far future when none is armed.
    var armedFor: [Instant] = []
    /// Places in `nodes` of those that are gone, and who takes them until somebody new does.
    private var freeSlots: [UInt32] = []
    /// Of nodes, not of adversaries; under the id of their first home.
    var ids = IDIndex()
    private let nobody: Node
    private let noClient: ClientHost
    var outbox = Outbox()
    var clientOutbox = Client.Outbox()
    /// For packets under delivery, and for those that a client profile changes.
    var packet: [UInt8] = []
    package internal(set) var traffic = Traffic()
    package internal(set) var digest = RunDigest()
    var events: [(host: HostIndex, event: Event)] = []
    var clientEvents: [(host: HostIndex, event: Client.Event)] = []
    /// By watched clients.
    var calls: [HostIndex] = []
    var log = PacketLog()
    /// See `foresee`.
    var foreseen = 0
    /// Whom the last step was about, and whether it was a timer and not a packet.
    package private(set) var lastFired: (host: HostIndex, wasTimer: Bool)?

    package init(latency: LatencyModel, faults: FaultRules = FaultRules(), generator: SeededGenerator) {
        var generator = generator
        self.latency = latency
        self.faults = faults
        pairHash = SipHash(key: (generator.next(), generator.next()))
        nobody = Node(configuration: Configuration(), homes: [], generator: generator.split(), now: .origin)
        let client = Client(configuration: .init(), homes: [], generator: generator.split(), now: .origin)
        noClient = ClientHost(client, bytesPerSecond: 1)
        self.generator = generator
    }

    package var now: Instant { wheel.now }

    // MARK: Hosts

    /// All that there ever were.
    package var hostCount: Int { hosts.count }

    package func endpoint(of host: HostIndex) -> Endpoint {
        .v4(EndpointV4(address: hosts[host].address, port: Self.port))
    }

    /// Nil when nobody ever lived there.
    ///
    /// Inlined, since calling it would copy the network, and it is called for every packet.
    @inline(__always)
    package func host(at endpoint: Endpoint) -> HostIndex? {
        guard case .v4(let v4) = endpoint, let host = book.host(at: v4.address), host < hosts.count else { return nil }
        return host
    }

    package func isAlive(_ host: HostIndex) -> Bool { hosts[host].kind != .gone }
    package func isHostile(_ host: HostIndex) -> Bool { hosts[host].kind == .adversary }

    /// Nil for adversaries and those that are gone.
    package func node(_ host: HostIndex) -> Node? {
        hosts[host].kind == .node ? nodes[Int(hosts[host].slot)] : nil
    }

    /// Looks at a node without copying it.
    package func withNode<Result>(_ host: HostIndex, _ body: (borrowing Node) -> Result) -> Result? {
        guard hosts[host].kind == .node else { return nil }
        return body(nodes[Int(hosts[host].slot)])
    }

    package func occupant(of host: HostIndex) -> Occupant? {
        switch hosts[host].kind {
        case .node: .node(nodes[Int(hosts[host].slot)])
        case .adversary: .adversary(adversaries[Int(hosts[host].slot)])
        case .client: .client(clients[Int(hosts[host].slot)])
        case .gone: nil
        }
    }

    /// Moves somebody in.
    ///
    /// - Parameters:
    ///   - address: one outside of 24.0.0.0 to 55.255.255.255, which are given out in turn.
    ///   - make: makes the occupant of this endpoint, with randomness of its own.
    package mutating func add(
        behind nat: NAT = .none, profile: ClientProfile = [], at address: UInt32? = nil,
        _ make: (Endpoint, SeededGenerator) -> Occupant
    ) -> HostIndex {
        let index = hosts.count
        if let address {
            precondition(book.canPlace(address), "an address that belongs to the plan, or to somebody")
            book.place(index, at: address)
        }
        let address = address ?? AddressPlan.address(of: index)
        let endpoint = Endpoint.v4(EndpointV4(address: address, port: Self.port))
        let slot: Int
        let kind: Host.Kind
        var idBin: UInt16 = 0
        switch make(endpoint, generator.split()) {
        case .node(let node):
            kind = .node
            slot = freeSlots.popLast().map(Int.init) ?? nodes.count
            idBin = ids.insert(node.homes[0].id, of: index)
            if slot == nodes.count { nodes.append(node) } else { nodes[slot] = node }
        case .adversary(let adversary):
            kind = .adversary
            slot = adversaries.count
            adversaries.append(adversary)
        case .client(let client):
            kind = .client
            slot = place(client)
        }
        hosts.append(
            Host(address: address, slot: UInt32(slot), idBin: idBin, kind: kind, nat: nat, profile: profile))
        armedFor.append(.distantFuture)
        arm(index)
        return index
    }

    /// A node that knows nobody, with an id that its address allows unless the profile says otherwise.
    package mutating func addNode(
        configuration: Configuration, behind nat: NAT = .none, profile: ClientProfile = [], at address: UInt32? = nil
    ) -> HostIndex {
        let now = now
        var configuration = configuration
        if profile.contains(.insecureID) { configuration.followsExternalAddress = false }
        return add(behind: nat, profile: profile, at: address) { endpoint, generator in
            var generator = generator
            let id = profile.contains(.insecureID) ? nil : SecureID.make(for: endpoint, using: &generator)
            let home = HomeSetup(local: endpoint, id: id)
            return .node(Node(configuration: configuration, homes: [home], generator: generator, now: now))
        }
    }

    /// The occupant dies: the address stays empty from now on.
    package mutating func remove(_ host: HostIndex, refusesCalls: Bool = false) {
        hosts[host].profile = refusesCalls ? .refusesCalls : []
        if hosts[host].kind == .node {
            ids.remove(host, from: hosts[host].idBin)
            nodes[Int(hosts[host].slot)] = nobody
            freeSlots.append(hosts[host].slot)
        } else if hosts[host].kind == .client {
            clients[Int(hosts[host].slot)] = noClient
            freeClientSlots.append(hosts[host].slot)
        }
        hosts[host].kind = .gone
    }

    /// The living node nearest to a target, of those that are wanted.
    package func nearestNode(to target: ID160, where isWanted: (HostIndex) -> Bool) -> (id: NodeID, host: HostIndex)? {
        ids.nearest(to: target, where: isWanted)
    }

    package mutating func setNAT(_ nat: NAT, of host: HostIndex) { hosts[host].nat = nat }
    package func nat(of host: HostIndex) -> NAT { hosts[host].nat }
    package func profile(of host: HostIndex) -> ClientProfile { hosts[host].profile }

    /// No packet gets in or out until it is undone; the occupant lives on.
    package mutating func setCutOff(_ isCutOff: Bool, _ host: HostIndex) { hosts[host].isCutOff = isCutOff }

    package mutating func setWatched(_ isWatched: Bool, _ host: HostIndex) { hosts[host].isWatched = isWatched }

    package func isWatched(_ host: HostIndex) -> Bool { hosts[host].isWatched }

    /// Whether a packet that `host` sent now to this endpoint would find somebody, if it were not lost.
    package func reaches(_ endpoint: Endpoint, from host: HostIndex) -> Bool {
        guard case .v4(let v4) = endpoint, let target = self.host(at: endpoint), isAlive(target),
            !hosts[target].isCutOff, !faults.separates(host, target)
        else { return false }
        let from = EndpointV4(address: hosts[host].address, port: Self.port)
        if hosts[target].kind == .adversary { return true }
        return flows.admits(from: from, to: v4.port, of: target, behind: hosts[target].nat, now: now)
    }

    // MARK: What happens

    package mutating func command(_ command: Command, to host: HostIndex) {
        let now = now
        let slot = Int(hosts[host].slot)
        switch hosts[host].kind {
        case .node: nodes[slot].command(command, now: now, into: &outbox)
        case .adversary: adversaries[slot].command(command, now: now, into: &outbox)
        case .client: return tell(host) { $0.command(.dht(command), now: $1, into: &$2) }
        case .gone: return
        }
        settle(host)
    }

    /// Lets one thing happen, if any does until `limit`; otherwise the clock moves there.
    package mutating func step(until limit: Instant) -> Bool {
        guard let occurrence = wheel.next(until: limit) else { return false }
        traffic.events += 1
        for next in wheel.upcoming { foresee(next) }
        switch occurrence {
        case .delivery(let handle, let address, let sourcePort, let target, let port):
            lastFired = (Int(target), false)
            deliver(handle, from: EndpointV4(address: address, port: sourcePort), to: Int(target), port: port)
        case .timer(let host):
            lastFired = (Int(host), true)
            fire(Int(host))
        case .connection(let number, let fact): happen(fact, to: number)
        }
        return true
    }

    package mutating func run(until limit: Instant) {
        while step(until: limit) {}
    }

    /// What nodes told since the last call.
    package mutating func takeEvents() -> [(host: HostIndex, event: Event)] {
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    /// Packets of watched hosts since the last call; nil when there are none.
    ///
    /// Give the log back when done with it, so that its storage is used again.
    package mutating func takePackets() -> PacketLog? {
        guard !log.isEmpty else { return nil }
        defer { log = PacketLog() }
        return log
    }

    package mutating func giveBack(_ log: consuming PacketLog) {
        log.clear()
        if self.log.isEmpty { self.log = log }
    }
}
