extension Endpoint {
    /// The network that one operator usually controls, as its first address with port 0: a /24 of IPv4, a /56 of IPv6.
    ///
    /// A household is given a /56 to a /64 (RIPE-690), so addresses of IPv6 alone say nothing about who holds them.
    @inlinable
    package var prefix: Endpoint {
        switch self {
        case .v4(let endpoint): .v4(endpoint.prefix)
        case .v6(let endpoint): .v6(endpoint.prefix)
        }
    }

    /// What a host may take any address of, with port 0: its IPv4 address alone, but all of a /64 of IPv6 (RFC 4291).
    package var subnet: Endpoint {
        switch self {
        case .v4: host
        case .v6(let endpoint): .v6(endpoint.subnet)
        }
    }
}

extension EndpointV4 {
    /// The /24.
    @inlinable
    package var prefix: EndpointV4 { EndpointV4(address: address & ~0xFF, port: 0) }

    /// The /16: usually of one provider.
    @inlinable
    package var provider: EndpointV4 { EndpointV4(address: address & ~0xFFFF, port: 0) }
}

extension EndpointV6 {
    /// The /56, or what corresponds to the /24 of the IPv4 host that the address leads to (6to4, NAT64).
    package var prefix: EndpointV6 {
        // All of IPv4 is in one /64 of NAT64, and each IPv4 address has 256 of the /56 networks of 6to4.
        if isTranslated { return EndpointV6(high: high, low: low & ~0xFF, port: 0) }
        return EndpointV6(high: high & (isTunnelled ? ~0xFF_FFFF : ~0xFF), low: 0, port: 0)
    }

    /// The /64, or the IPv4 host that the address leads to.
    package var subnet: EndpointV6 {
        isTranslated ? EndpointV6(high: high, low: low, port: 0) : EndpointV6(high: high, low: 0, port: 0)
    }

    /// The /32: usually of one provider.
    package var provider: EndpointV6 {
        if isTranslated { return EndpointV6(high: high, low: low & ~0xFFFF, port: 0) }
        return EndpointV6(high: high & ~0xFFFF_FFFF, low: 0, port: 0)
    }
}
