import Client
package import Kademlia
package import Metainfo
package import Primitives
package import Transport

extension NetworkConfiguration {
    /// What a host is started with.
    package func host(_ mode: NetworkMode, restoring state: NodeState?) -> HostConfiguration {
        var configuration = HostConfiguration()
        configuration.binds = binds
        configuration.nodeState = state
        // What somebody asked for must be there; without a wish, a machine without IPv6 is as good as any.
        configuration.skipsUnavailableBinds = !isBindGiven
        configuration.boundTo = boundTo
        configuration.names = names
        configuration.client.node.networkMode = mode
        configuration.client.node.isReadOnly = isReadOnly
        configuration.client.node.budgets = Budgets(preset: limits)
        return configuration
    }

    /// The links where neighbours are looked for: those that traffic may leave by, one for each interface and family.
    ///
    /// None when all addresses that were `named`, to bind or to talk to, are loopback: then nothing is to leave the
    /// machine.
    package func localLinks(named: [Endpoint], _ interfaces: Interfaces) -> [LocalLink] {
        let named = named + binds.filter { !$0.isAnyAddress }
        guard named.isEmpty || named.contains(where: { $0.scope != .loopback }) else { return [] }
        var links: [LocalLink] = []
        for entry in interfaces.entries where isOnLink(entry.address) && links.count < Self.localLinksMax {
            let isAllowed = binds.contains { bind in
                if case .interface(let name) = boundTo[bind.host], name != entry.interface { return false }
                return bind.family == entry.address.family && (bind.isAnyAddress || bind.host == entry.address)
            }
            let isThere = links.contains {
                $0.interface == entry.interface && $0.address.family == entry.address.family
            }
            if isAllowed, !isThere { links.append(LocalLink(interface: entry.interface, address: entry.address)) }
        }
        return links
    }

    /// More interfaces are those of containers.
    private static let localLinksMax = 16

    /// Neighbours can connect to us there.
    private func isOnLink(_ address: Endpoint) -> Bool {
        switch address.scope {
        case .global, .privateUse: true
        case .linkLocal: address.family == .v4
        case .loopback, .unusable: false
        }
    }

    /// The endpoints of an address in the families that are switched on; names are resolved.
    ///
    /// Throws a `Resolver.Failure`.
    package func resolve(_ address: PeerAddress) async throws -> [Endpoint] {
        try await names.resolve(host: address.host, port: address.port).filter { families.contains($0.family) }
    }

    /// How names are resolved: never by the system when something was bound.
    package var names: NameResolver {
        guard mayResolveNames else { return .refused }
        let targets = binds.compactMap { boundTo[$0.host] }
        guard !targets.isEmpty, !binds.contains(where: \.isAnyAddress) else { return .system }
        return .bound(targets, families: families)
    }
}
