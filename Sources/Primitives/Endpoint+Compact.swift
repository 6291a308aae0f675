/// The compact forms of BEP 5 (6 bytes) and BEP 32 (18 bytes): address, then port, big-endian.
extension Endpoint {
    package static let compactByteCountV4 = 6
    package static let compactByteCountV6 = 18

    /// Reads 6 bytes at `offset`, which must lie within `bytes`.
    package static func compactV4(_ bytes: RawSpan, at offset: Int) -> Endpoint {
        .v4(EndpointV4(bytes, at: offset))
    }

    /// Reads 18 bytes at `offset`, which must lie within `bytes`.
    package static func compactV6(_ bytes: RawSpan, at offset: Int) -> Endpoint {
        .v6(EndpointV6(bytes, at: offset))
    }

    /// Returns nil unless `range` is 6 or 18 bytes long.
    package init?(compact bytes: RawSpan, in range: Range<Int>) {
        switch range.count {
        case Endpoint.compactByteCountV4: self = .compactV4(bytes, at: range.lowerBound)
        case Endpoint.compactByteCountV6: self = .compactV6(bytes, at: range.lowerBound)
        default: return nil
        }
    }

    package func appendCompact(to bytes: inout [UInt8]) {
        switch self {
        case .v4(let endpoint): endpoint.appendCompact(to: &bytes)
        case .v6(let endpoint): endpoint.appendCompact(to: &bytes)
        }
    }
}

extension EndpointV4 {
    package init(_ bytes: RawSpan, at offset: Int) {
        self.init(
            address: bytes.bigEndian(at: offset, as: UInt32.self),
            port: bytes.bigEndian(at: offset + 4, as: UInt16.self))
    }

    package func appendCompact(to bytes: inout [UInt8]) {
        bytes.appendBigEndian(address)
        bytes.appendBigEndian(port)
    }
}

extension EndpointV6 {
    package init(_ bytes: RawSpan, at offset: Int) {
        self.init(
            high: bytes.bigEndian(at: offset, as: UInt64.self),
            low: bytes.bigEndian(at: offset + 8, as: UInt64.self),
            port: bytes.bigEndian(at: offset + 16, as: UInt16.self))
    }

    package func appendCompact(to bytes: inout [UInt8]) {
        bytes.appendBigEndian(high)
        bytes.appendBigEndian(low)
        bytes.appendBigEndian(port)
    }
}
