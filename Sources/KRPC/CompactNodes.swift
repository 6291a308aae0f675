package import Primitives

/// A node of the DHT: its id and where it is reached.
package struct Contact: Hashable, Sendable {
    package var id: NodeID
    package var endpoint: Endpoint

    package init(id: NodeID, endpoint: Endpoint) {
        self.id = id
        self.endpoint = endpoint
    }
}

/// Compact node infos in a datagram: 26 bytes each (BEP 5), or 38 for IPv6 (BEP 32).
package struct CompactNodes: Hashable, Sendable {
    package let family: Endpoint.Family
    /// A whole number of contacts.
    package let range: Range<Int>

    /// A range of a length that no number of contacts has, as in BEP 5's own examples, counts as empty.
    init(_ range: Range<Int>?, family: Endpoint.Family) {
        self.family = family
        let isWhole = range?.count.isMultiple(of: Self.stride(of: family)) ?? false
        self.range = isWhole ? range ?? 0..<0 : 0..<0
    }

    package var count: Int { range.count / Self.stride(of: family) }
    package var isEmpty: Bool { range.isEmpty }

    /// The contact at `index`, which must be below `count`, in the bytes that were decoded.
    package subscript(index: Int, in bytes: RawSpan) -> Contact {
        precondition(index >= 0 && index < count, "contact out of range")
        let offset = range.lowerBound + index * Self.stride(of: family)
        let address = offset + ID160.byteCount
        return Contact(
            id: ID160(bytes, at: offset),
            endpoint: family == .v4 ? .compactV4(bytes, at: address) : .compactV6(bytes, at: address))
    }

    /// The bytes of one contact.
    package static func stride(of family: Endpoint.Family) -> Int {
        switch family {
        case .v4: ID160.byteCount + Endpoint.compactByteCountV4
        case .v6: ID160.byteCount + Endpoint.compactByteCountV6
        }
    }
}
