package import Primitives
package import Swarm
package import Transport

/// Where we can be reached ourselves: our announce comes back from the DHT, and must not be taken for a peer.
///
/// A connection to ourselves is recognised by its handshake, but behind an address translator it often fails before.
package struct OwnEndpoints: Equatable, Sendable {
    /// With port 0.
    private var hosts: Set<Endpoint> = []
    private var ports: Set<UInt16> = []

    package init() {}

    /// `local` are the bound endpoints.
    package init(_ interfaces: Interfaces, local: [Endpoint]) {
        hosts = Set(interfaces.entries.map(\.address)).union(local.map(\.host))
        ports = Set(local.map(\.port))
    }

    /// We are seen there from outside.
    package mutating func addHost(of endpoint: Endpoint) {
        hosts.insert(endpoint.host)
    }

    package func contains(_ endpoint: Endpoint) -> Bool {
        ports.contains(endpoint.port) && hosts.contains(endpoint.host)
    }

    /// The event without ourselves among the peers that the DHT has found; an empty list is left when nobody else is.
    package func leftOut(of event: TorrentEvent) -> TorrentEvent {
        guard case .peersFound(let endpoints, let source) = event, [.dht, .tracker, .exchange].contains(source) else {
            return event
        }
        return .peersFound(endpoints.filter { !contains($0) }, source)
    }
}
