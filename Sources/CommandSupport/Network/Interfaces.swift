import Glibc
package import Primitives

/// The network interfaces of a machine and their addresses.
package struct Interfaces: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package let interface: String
        /// The port is 0.
        package let address: Endpoint

        package init(interface: String, address: Endpoint) {
            self.interface = interface
            self.address = address
        }
    }

    package let entries: [Entry]

    package init(_ entries: [Entry]) {
        self.entries = entries
    }

    package func addresses(of interface: String) -> [Endpoint] {
        entries.filter { $0.interface == interface }.map(\.address)
    }

    /// Empty when the system does not tell.
    package static var ofMachine: Interfaces {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return Interfaces([]) }
        defer { freeifaddrs(list) }
        var entries: [Entry] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let address = entry.ifa_addr, let endpoint = endpoint(of: address) else { continue }
            entries.append(Entry(interface: String(cString: entry.ifa_name), address: endpoint))
        }
        return Interfaces(entries)
    }

    private static func endpoint(of address: UnsafeMutablePointer<sockaddr>) -> Endpoint? {
        switch CInt(address.pointee.sa_family) {
        case AF_INET:
            address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                .v4(EndpointV4(address: UInt32(bigEndian: $0.pointee.sin_addr.s_addr), port: 0))
            }
        case AF_INET6:
            address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin6_addr) { bytes in
                    let high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
                    let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                    return .v6(EndpointV6(high: high, low: low, port: 0))
                }
            }
        default: nil
        }
    }
}
