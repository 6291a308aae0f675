extension Endpoint {
    /// The network that one operator usually controls, as its first address with port 0: a /24 of IPv4, a /56 of IPv6.
    ///
    /// A household is given a /56 to a /64 (RIPE-690), so addresses of IPv6 alone say nothing about who holds them.
    package var prefix: Endpoint {
        switch self {
        case .v4(let endpoint): .v4(EndpointV4(address: endpoint.address & ~0xFF, port: 0))
        case .v6(let endpoint): .v6(EndpointV6(high: endpoint.high & ~0xFF, low: 0, port: 0))
        }
    }
}
