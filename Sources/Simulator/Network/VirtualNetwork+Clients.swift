package import Client
import Kademlia
import Metainfo
import Primitives
import Swarm

/// A whole client at a host, and the rate at which its connections send.
package struct ClientHost: Sendable {
    package var client: Client
    package let bytesPerSecond: Double

    package init(_ client: Client, bytesPerSecond: Double) {
        (self.client, self.bytesPerSecond) = (client, bytesPerSecond)
    }
}

/// Hosts with whole clients: their datagrams are those of their node, and they call each other by TCP.
///
/// Storage and trackers are not simulated: whoever opens a storage has all of its torrent.
extension VirtualNetwork {
    /// A client moves in; its node has an id that its address allows.
    package mutating func addClient(
        _ configuration: Client.Configuration, profile: ClientProfile = [], bytesPerSecond: Double
    ) -> HostIndex {
        let now = now
        return add(profile: profile) { endpoint, generator in
            let client = Self.client(configuration, at: endpoint, generator, now: now)
            return .client(ClientHost(client, bytesPerSecond: bytesPerSecond))
        }
    }

    /// In the place of whoever lives at the host.
    package mutating func replace(
        _ host: HostIndex, byClient configuration: Client.Configuration, profile: ClientProfile = [],
        bytesPerSecond: Double
    ) {
        remove(host)
        let client = Self.client(configuration, at: endpoint(of: host), generator.split(), now: now)
        hosts[host].slot = UInt32(place(ClientHost(client, bytesPerSecond: bytesPerSecond)))
        hosts[host].kind = .client
        hosts[host].profile = profile
        armedFor[host] = .distantFuture
        arm(host)
    }

    private static func client(
        _ configuration: Client.Configuration, at endpoint: Endpoint, _ generator: SeededGenerator, now: Instant
    ) -> Client {
        var generator = generator
        let home = HomeSetup(local: endpoint, id: SecureID.make(for: endpoint, using: &generator))
        return Client(configuration: configuration, homes: [home], generator: generator, now: now)
    }

    mutating func place(_ client: ClientHost) -> Int {
        guard let slot = freeClientSlots.popLast().map(Int.init) else {
            clients.append(client)
            return clients.count - 1
        }
        clients[slot] = client
        return slot
    }

    package mutating func command(_ command: Client.Command, toClient host: HostIndex) {
        tell(host) { $0.command(command, now: $1, into: &$2) }
    }

    /// What clients told since the last call.
    package mutating func takeClientEvents() -> [(host: HostIndex, event: Client.Event)] {
        guard !clientEvents.isEmpty else { return [] }
        defer { clientEvents.removeAll(keepingCapacity: true) }
        return clientEvents
    }

    /// Whom watched clients have called since the last call.
    package mutating func takeCalls() -> [HostIndex] {
        guard !calls.isEmpty else { return [] }
        defer { calls.removeAll(keepingCapacity: true) }
        return calls
    }

    /// Tells a client a fact and carries out what it says; nothing when it is gone.
    mutating func tell(_ host: HostIndex, _ fact: (inout Client, Instant, inout Client.Outbox) -> Void) {
        guard hosts[host].kind == .client else { return }
        var told = Client.Outbox()
        swap(&told, &clientOutbox)
        fact(&clients[Int(hosts[host].slot)].client, now, &told)
        swap(&told.dht, &outbox)
        settle(host)
        swap(&told.dht, &outbox)
        for action in told.swarm.actions { carryOut(action, told.swarm.bytes, of: host) }
        for event in told.events {
            digest.absorb(event, at: now, of: host)
            clientEvents.append((host, event))
        }
        told.clear()
        swap(&told, &clientOutbox)
    }

    private mutating func carryOut(_ action: Swarm.Action, _ bytes: [UInt8], of host: HostIndex) {
        switch action {
        case .connect(let handle, let endpoint): call(endpoint, from: host, handle)
        case .send(let handle, let range), .sendOpening(let handle, let range):
            write(hosts[host].profile.distort(Array(bytes[range]), of: host), to: handle, of: host)
        case .encrypt(let handle):
            guard let (number, side) = connections.find(handle, of: host) else { return }
            connections[number]?[side].isEncrypted = true
        case .close(let handle):
            guard let (number, side) = connections.find(handle, of: host) else { return }
            hangUp(number, side)
        case .openStorage(let torrent, let info, _):
            tell(host) {
                $0.storageOpened(torrent, have: Bitfield(filled: info.pieceCount), now: $1, into: &$2)
            }
        case .pauseReading, .resumeReading: break
        case .store, .forget, .readBlock, .digestBlocks: preconditionFailure("no client here wants pieces")
        }
    }
}
