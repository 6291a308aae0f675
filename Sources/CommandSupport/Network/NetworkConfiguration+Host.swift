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
        configuration.resolvesNames = mayResolveNames
        configuration.client.node.networkMode = mode
        configuration.client.node.isReadOnly = isReadOnly
        configuration.client.node.budgets = Budgets(preset: limits)
        return configuration
    }

    /// The endpoints of an address in the families that are switched on; asks the system's resolver for names.
    ///
    /// Throws a `Resolver.Failure`, or `NamesRefused` for a name when names may not be resolved.
    package func resolve(_ address: PeerAddress) async throws -> [Endpoint] {
        guard mayResolveNames || address.endpoint != nil else { throw NamesRefused() }
        return try await Resolver.resolve(host: address.host, port: address.port)
            .filter { families.contains($0.family) }
    }

    package struct NamesRefused: Error, CustomStringConvertible {
        package var description: String { "--no-dns forbids to resolve names" }
    }
}
