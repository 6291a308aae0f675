package import Primitives

/// BEP 42: the first 21 bits of a node id follow from its external address and from 3 bits in its last byte, so nobody
/// chooses freely where in the key space to sit.
package enum SecureID {
    /// A random id that `endpoint`'s address allows.
    package static func make(for endpoint: Endpoint, using generator: inout SeededGenerator) -> NodeID {
        make(for: endpoint, random: .random(using: &generator))
    }

    /// `random` with its first 21 bits replaced; its last byte is kept and chooses among eight prefixes.
    package static func make(for endpoint: Endpoint, random: ID160) -> NodeID {
        let prefix = UInt64(checksum(of: endpoint, seed: UInt8(truncatingIfNeeded: random.low))) << 32
        let mask: UInt64 = ~0 << 43
        return ID160(high: prefix & mask | random.high & ~mask, middle: random.middle, low: random.low)
    }

    /// Whether `endpoint` may have `id`.
    ///
    /// Local addresses are exempt and may have any.
    package static func isValid(_ id: NodeID, for endpoint: Endpoint) -> Bool {
        switch endpoint.scope {
        case .loopback, .privateUse, .linkLocal: true
        case .global, .unusable: make(for: endpoint, random: id) == id
        }
    }

    /// The CRC-32C of the masked address with `seed & 7` in its top three bits.
    static func checksum(of endpoint: Endpoint, seed: UInt8) -> UInt32 {
        var bytes: [UInt8] = []
        switch endpoint {
        case .v4(let address): bytes.appendBigEndian(address.address & 0x030F_3FFF)
        case .v6(let address): bytes.appendBigEndian(address.high & 0x0103_070F_1F3F_7FFF)
        }
        bytes[0] |= (seed & 7) << 5
        return CRC32C.checksum(bytes)
    }
}
