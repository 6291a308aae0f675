import CShims
import Glibc
import NIOCore
import Primitives

/// Endpoints as the system calls know them: converted by memory layout, never through text.
extension Endpoint {
    /// Nil for anything but IPv4 and IPv6.
    init?(_ address: SocketAddress) {
        let endpoint: Endpoint? =
            switch address {
            case .v4: address.withSockAddr { pointer, _ in Endpoint(pointer, family: AF_INET) }
            case .v6: address.withSockAddr { pointer, _ in Endpoint(pointer, family: AF_INET6) }
            case .unixDomainSocket: nil
            }
        guard let endpoint else { return nil }
        self = endpoint
    }

    /// Reads a kernel address of the named family, IPv4 or IPv6.
    ///
    /// The fields of `sockaddr_in` and `sockaddr_in6` seem to belong to a module inside NIO, so they are read by their
    /// offsets, which the kernel's interface has fixed: family 0, port 2, then the address at 4 (IPv4) or 8 (IPv6).
    init?(_ address: UnsafeRawPointer, family: CInt) {
        let port = UInt16(bigEndian: address.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        switch family {
        case AF_INET:
            let number = UInt32(bigEndian: address.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            self = .v4(EndpointV4(address: number, port: port))
        case AF_INET6:
            let high = UInt64(bigEndian: address.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = UInt64(bigEndian: address.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            self = .v6(EndpointV6(high: high, low: low, port: port))
        default:
            return nil
        }
    }

    /// What NIO connects and binds to.
    ///
    /// Not for every datagram: it allocates.
    var socketAddress: SocketAddress {
        get throws {
            var packed = ByteBuffer()
            switch self {
            case .v4(let endpoint): packed.writeInteger(endpoint.address)
            case .v6(let endpoint): packed.writeMultipleIntegers(endpoint.high, endpoint.low)
            }
            return try SocketAddress(packedIPAddress: packed, port: Int(port))
        }
    }

    init(_ endpoint: mainline_endpoint) {
        self =
            endpoint.is_v6
            ? .v6(EndpointV6(high: endpoint.high, low: endpoint.low, port: endpoint.port))
            : .v4(EndpointV4(address: UInt32(truncatingIfNeeded: endpoint.low), port: endpoint.port))
    }

    var forSystemCalls: mainline_endpoint {
        switch self {
        case .v4(let endpoint):
            mainline_endpoint(high: 0, low: UInt64(endpoint.address), port: endpoint.port, is_v6: false)
        case .v6(let endpoint):
            mainline_endpoint(high: endpoint.high, low: endpoint.low, port: endpoint.port, is_v6: true)
        }
    }
}
