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
    /// Unspecified, multicast, broadcast, documentation, benchmarking and the rest that no host has.
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
        default: isDocumentation ? .unusable : .global
        }
    }

    /// 192.0.0/24, 192.0.2/24, 198.51.100/24 and 203.0.113/24 (RFC 5737, RFC 6890).
    private var isDocumentation: Bool {
        [0xC0_0000, 0xC0_0002, 0xC6_3364, 0xCB_0071].contains(address >> 8)
    }
}

extension EndpointV6 {
    package var scope: AddressScope {
        if high == 0 { return low == 1 ? .loopback : .unusable }
        switch UInt8(high >> 56) {
        case 0xFC, 0xFD: return .privateUse
        case 0xFE: return high >> 54 == 0xFE80 >> 6 ? .linkLocal : .unusable
        case 0x20...0x3F: return high >> 32 == 0x2001_0DB8 ? .unusable : .global
        default: return isTranslatedGlobal ? .global : .unusable
        }
    }

    /// An IPv4 host of the internet behind the well-known prefix of NAT64, 64:ff9b::/96: how a network without IPv4
    /// reaches it.
    ///
    /// With any other IPv4 address the prefix must not be used (RFC 6052, 3.1).
    private var isTranslatedGlobal: Bool {
        guard high == 0x0064_FF9B_0000_0000, low >> 32 == 0 else { return false }
        return EndpointV4(address: UInt32(truncatingIfNeeded: low), port: port).scope == .global
    }
}
