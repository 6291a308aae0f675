package import Primitives

/// The 20 bytes by which a peer tells its connections apart (BEP 3), by convention `-XXnnnn-` and 12 random ones (BEP
/// 20).
package struct PeerID: Hashable, Sendable {
    private let value: ID160

    package static let byteCount = ID160.byteCount

    /// Reads 20 bytes at `offset`, which must lie within `bytes`.
    package init(_ bytes: RawSpan, at offset: Int) {
        value = ID160(bytes, at: offset)
    }

    /// An id that begins with `prefix`, of which at most 20 bytes count, and is random from there on.
    package init(prefix: String, using generator: inout SeededGenerator) {
        var bytes = Array(prefix.utf8.prefix(PeerID.byteCount))
        bytes += generator.bytes(count: PeerID.byteCount - bytes.count)
        value = ID160(bytes.span.bytes, at: 0)
    }

    package func append(to bytes: inout [UInt8]) {
        value.append(to: &bytes)
    }

    package var bytes: [UInt8] { value.bytes }
}
