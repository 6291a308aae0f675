import Primitives

/// Storing compact forms in place; each traps unless it fits, which is for the encoder to see to.
extension MutableRawSpan {
    mutating func store(_ value: some FixedWidthInteger & BitwiseCopyable, at offset: Int) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: type(of: value))
    }

    mutating func store(_ id: ID160, at offset: Int) {
        store(id.high, at: offset)
        store(id.middle, at: offset + 8)
        store(id.low, at: offset + 16)
    }

    /// The compact form: 6 or 18 bytes.
    mutating func store(_ endpoint: Endpoint, at offset: Int) {
        switch endpoint {
        case .v4(let endpoint):
            store(endpoint.address, at: offset)
            store(endpoint.port, at: offset + 4)
        case .v6(let endpoint):
            store(endpoint.high, at: offset)
            store(endpoint.low, at: offset + 8)
            store(endpoint.port, at: offset + 16)
        }
    }

    /// The compact form as a bencoded string.
    mutating func storeBencoded(_ endpoint: Endpoint, at offset: Int) {
        switch endpoint.family {
        case .v4:
            store(UInt16(0x363A), at: offset)  // "6:"
            store(endpoint, at: offset + 2)
        case .v6:
            store(UInt16(0x3138), at: offset)  // "18"
            store(UInt8(ascii: ":"), at: offset + 2)
            store(endpoint, at: offset + 3)
        }
    }
}

extension Endpoint.Family {
    var compactByteCount: Int {
        switch self {
        case .v4: Endpoint.compactByteCountV4
        case .v6: Endpoint.compactByteCountV6
        }
    }

    /// With the length and colon of the string.
    var bencodedByteCount: Int {
        switch self {
        case .v4: "6:".utf8.count + Endpoint.compactByteCountV4
        case .v6: "18:".utf8.count + Endpoint.compactByteCountV6
        }
    }
}
