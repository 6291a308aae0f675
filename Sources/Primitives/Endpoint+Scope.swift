/// What kind of network an address belongs to, after the IANA special-purpose registries.
package enum AddressScope: Hashable, Sendable {
    /// Routed on the internet.
    case global
    /// 127/8, ::1.
    case loopback
    /// 10/8, 172.16/12, 192.168/16, fc00::/7, and the shared space of carriers 100.64/10.
    case privateUse
    /// 169.254/16, fe80::/10.
    case linkLocal
    /// Unspecified, multicast, broadcast, documentation, benchmarking and the other entries of the registries in which
    /// no peer can be, and IPv6 addresses that lead to an IPv4 address which is not global.
    case unusable
}

extension Endpoint {
    package var scope: AddressScope {
        switch self {
        case .v4(let endpoint): endpoint.scope
        case .v6(let endpoint): endpoint.scope
        }
    }

    /// 0.0.0.0 or ::, whose sockets the system gives an address of its choice.
    package var isAnyAddress: Bool {
        switch self {
        case .v4(let endpoint): endpoint.address == 0
        case .v6(let endpoint): endpoint.high == 0 && endpoint.low == 0
        }
    }
}

extension EndpointV4 {
    package var scope: AddressScope {
        switch (UInt8(address >> 24), UInt8(truncatingIfNeeded: address >> 16)) {
        case (127, _): .loopback
        case (10, _), (172, 16...31), (192, 168), (100, 64...127): .privateUse
        case (169, 254): .linkLocal
        case (0, _), (224..., _), (198, 18...19): .unusable
        default: Self.specialNetworks.contains(address >> 8) ? .unusable : .global
        }
    }

    /// The /24 networks of the IPv4 special-purpose registry in which no peer can be.
    private static let specialNetworks: [UInt32] = [
        // 192.0.0.0/24, protocol assignments (RFC 6890).
        0xC0_0000,
        // 192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24, documentation (RFC 5737).
        0xC0_0002, 0xC6_3364, 0xCB_0071,
        // 192.31.196.0/24 and 192.175.48.0/24, AS112 (RFC 7534, RFC 7535).
        0xC0_1FC4, 0xC0_AF30,
        // 192.52.193.0/24, relays of AMT (RFC 7450).
        0xC0_34C1,
        // 192.88.99.0/24, relays of 6to4 (RFC 7526).
        0xC0_5863,
    ]
}

extension EndpointV6 {
    package var scope: AddressScope {
        if high == 0 { return low == 1 ? .loopback : .unusable }
        switch UInt8(high >> 56) {
        case 0xFC, 0xFD: return .privateUse
        case 0xFE: return high >> 54 == 0xFE80 >> 6 ? .linkLocal : .unusable
        case 0x20...0x3F: return isSpecialUnicast ? .unusable : .global
        default: return embeddedScope == .global ? .global : .unusable
        }
    }

    /// Whether the address is in 2000::/3, but in a network of the IPv6 special-purpose registry in which no peer can
    /// be.
    private var isSpecialUnicast: Bool {
        // 2001::/23: Teredo, ORCHID, benchmarking, AMT, AS112 and other protocol assignments (RFC 2928).
        if high >> 41 == 0x2001_0000 >> 9 { return true }
        // 2001:db8::/32 (RFC 3849) and 3fff::/20 (RFC 9637), documentation.
        if high >> 32 == 0x2001_0DB8 || high >> 44 == 0x3FFF_0 { return true }
        // 2620:4f:8000::/48, AS112 (RFC 7534).
        if high >> 16 == 0x2620_004F_8000 { return true }
        return embeddedScope.map { $0 != .global } ?? false
    }

    /// The scope of the IPv4 host that the address leads to; nil if it leads to none.
    ///
    /// In 64:ff9b::/96 that host is reached through NAT64, which must not be used for special addresses (RFC 6052,
    /// 3.1), in 2002::/16 through a tunnel of 6to4 (RFC 3056, 2).
    private var embeddedScope: AddressScope? {
        if isTranslated { return EndpointV4(address: UInt32(truncatingIfNeeded: low), port: port).scope }
        guard isTunnelled else { return nil }
        return EndpointV4(address: UInt32(truncatingIfNeeded: high >> 16), port: port).scope
    }

    /// In 64:ff9b::/96, whose last 32 bits are an IPv4 address.
    var isTranslated: Bool { high == 0x0064_FF9B_0000_0000 && low >> 32 == 0 }

    /// In 2002::/16, whose next 32 bits are an IPv4 address.
    var isTunnelled: Bool { high >> 48 == 0x2002 }
}
