package import Primitives

/// An endpoint of one family, so that an IPv4 contact takes 32 bytes and not the room of an IPv6 one.
package protocol ContactAddress: Hashable, Comparable, Sendable {
    /// Nil when the endpoint is of the other family.
    init?(_ endpoint: Endpoint)

    var endpoint: Endpoint { get }
    var port: UInt16 { get }

    /// Whether both are ports of one host.
    func sharesHost(with other: Self) -> Bool

    /// Whether both are of one network: a /24 of IPv4, a /56 of IPv6.
    func sharesPrefix(with other: Self) -> Bool

    /// Whether both are of networks that usually belong to one provider: a /16 of IPv4, a /32 of IPv6.
    func sharesProvider(with other: Self) -> Bool
}

extension EndpointV4: ContactAddress {
    package init?(_ endpoint: Endpoint) {
        guard case .v4(let address) = endpoint else { return nil }
        self = address
    }

    package var endpoint: Endpoint { .v4(self) }

    package func sharesHost(with other: EndpointV4) -> Bool { address == other.address }
    package func sharesPrefix(with other: EndpointV4) -> Bool { address >> 8 == other.address >> 8 }
    package func sharesProvider(with other: EndpointV4) -> Bool { address >> 16 == other.address >> 16 }
}

extension EndpointV6: ContactAddress {
    package init?(_ endpoint: Endpoint) {
        guard case .v6(let address) = endpoint else { return nil }
        self = address
    }

    package var endpoint: Endpoint { .v6(self) }

    package func sharesHost(with other: EndpointV6) -> Bool { high == other.high && low == other.low }
    package func sharesPrefix(with other: EndpointV6) -> Bool { prefix == other.prefix }
    package func sharesProvider(with other: EndpointV6) -> Bool { provider == other.provider }
}
