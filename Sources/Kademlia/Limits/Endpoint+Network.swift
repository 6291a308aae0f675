import Primitives

extension Endpoint {
    /// The network of the endpoint, a /24 of IPv4 or a /64 of IPv6, as its first address.
    var network: Endpoint {
        switch self {
        case .v4(let endpoint): .v4(EndpointV4(address: endpoint.address & ~0xFF, port: 0))
        case .v6(let endpoint): .v6(EndpointV6(high: endpoint.high, low: 0, port: 0))
        }
    }
}
