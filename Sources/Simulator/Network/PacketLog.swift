package import Primitives

/// The packets of watched hosts since the scenario last looked.
package struct PacketLog: Sendable {
    package struct Entry: Sendable {
        package let host: HostIndex
        package let isSent: Bool
        /// Where it is sent to, or where it seems to come from.
        package let other: Endpoint
        package let at: Instant
        package let range: Range<Int>
    }

    package private(set) var entries: [Entry] = []
    package private(set) var bytes: [UInt8] = []

    package var isEmpty: Bool { entries.isEmpty }

    mutating func append(
        _ packet: some Collection<UInt8>, of host: HostIndex, isSent: Bool, other: Endpoint, at: Instant
    ) {
        let start = bytes.count
        bytes.append(contentsOf: packet)
        entries.append(Entry(host: host, isSent: isSent, other: other, at: at, range: start..<bytes.count))
    }

    mutating func clear() {
        entries.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
    }
}
