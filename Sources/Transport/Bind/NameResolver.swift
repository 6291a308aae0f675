package import Primitives

/// How host names become addresses: by the system, through the addresses of `--bind`, or not at all.
package enum NameResolver: Hashable, Sendable {
    /// Whatever the system does, wherever its questions leave from.
    case system
    /// By c-ares, from these and of these families alone.
    case bound([BindTarget], families: Set<Endpoint.Family>)
    /// `--no-dns`.
    case refused

    /// The addresses of `host`, without repeats; never empty.
    ///
    /// An address in text form is its own answer. Throws a `Resolver.Failure`.
    package func resolve(
        host: String, port: UInt16, within limit: Duration = .seconds(10)
    ) async throws -> [Endpoint] {
        switch self {
        case .system:
            return try await Resolver.resolve(host: host, port: port, within: limit)
        case .refused:
            if let endpoint = Endpoint(host: host, port: port) { return [endpoint] }
            throw Resolver.Failure.refused(host)
        case .bound(let targets, let families):
            return try await Resolver.resolve(host: host, port: port, within: limit) { host, port in
                NameLibrary.lookUp(host, port, within: limit, from: targets, families)
            }
        }
    }
}
