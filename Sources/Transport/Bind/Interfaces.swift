import Glibc
package import Primitives

/// The network interfaces of a machine and their addresses.
package struct Interfaces: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package let interface: String
        /// The port is 0.
        package let address: Endpoint
        /// The interface is switched on and has a carrier.
        package let isUp: Bool

        package init(interface: String, address: Endpoint, isUp: Bool = true) {
            self.interface = interface
            self.address = address
            self.isUp = isUp
        }
    }

    package let entries: [Entry]

    package init(_ entries: [Entry]) {
        self.entries = entries
    }

    package func addresses(of interface: String) -> [Endpoint] {
        entries.filter { $0.interface == interface }.map(\.address)
    }

    /// `IFF_UP` and `IFF_RUNNING`.
    private static let upFlag: CInt = 0x1
    private static let runningFlag: CInt = 0x40

    /// Empty when the system does not tell.
    package static var ofMachine: Interfaces {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return Interfaces([]) }
        defer { freeifaddrs(list) }
        var entries: [Entry] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let address = entry.ifa_addr,
                let endpoint = Endpoint(address, family: CInt(address.pointee.sa_family))
            else { continue }
            let flags = CInt(bitPattern: entry.ifa_flags)
            let isUp = flags & upFlag != 0 && flags & runningFlag != 0
            entries.append(Entry(interface: String(cString: entry.ifa_name), address: endpoint.host, isUp: isUp))
        }
        return Interfaces(entries)
    }
}
