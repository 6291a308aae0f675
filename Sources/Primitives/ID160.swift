/// A 160-bit identifier of the DHT's key space: a node id or an infohash, big-endian (BEP 5).
///
/// Three words instead of 20 bytes: XOR, comparison and prefix length are a few instructions each,
/// inlined into the loops of other modules.
package struct ID160: Hashable, Sendable {
    package var high: UInt64
    package var middle: UInt64
    package var low: UInt32

    package static let byteCount = 20
    package static let bitCount = 160
    package static let zero = ID160(high: 0, middle: 0, low: 0)

    @inlinable
    package init(high: UInt64, middle: UInt64, low: UInt32) {
        self.high = high
        self.middle = middle
        self.low = low
    }

    /// Reads 20 bytes at `offset`, which must lie within `bytes`.
    package init(_ bytes: RawSpan, at offset: Int) {
        high = bytes.bigEndian(at: offset, as: UInt64.self)
        middle = bytes.bigEndian(at: offset + 8, as: UInt64.self)
        low = bytes.bigEndian(at: offset + 16, as: UInt32.self)
    }

    /// Returns nil unless `bytes` holds exactly 20 bytes.
    package init?(_ bytes: some Sequence<UInt8>) {
        let array = Array(bytes)
        guard array.count == ID160.byteCount else { return nil }
        self.init(array.span.bytes, at: 0)
    }

    /// Returns nil unless `hex` is exactly 40 hexadecimal digits of either case.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    package static func random(using generator: inout SeededGenerator) -> ID160 {
        ID160(high: generator.next(), middle: generator.next(), low: UInt32(truncatingIfNeeded: generator.next()))
    }

    /// The Kademlia metric: XOR, ordered as a big-endian number.
    package func distance(to other: ID160) -> Distance {
        Distance(self ^ other)
    }

    /// How many leading bits both ids share, 0 to 160.
    package func commonPrefixLength(with other: ID160) -> Int {
        (self ^ other).leadingZeroBitCount
    }

    package var leadingZeroBitCount: Int {
        if high != 0 { return high.leadingZeroBitCount }
        if middle != 0 { return 64 + middle.leadingZeroBitCount }
        return 128 + low.leadingZeroBitCount
    }

    /// Bit 0 is the most significant one.
    package subscript(bit index: Int) -> Bool {
        get {
            switch index {
            case 0..<64: high >> (63 - UInt64(index)) & 1 == 1
            case 64..<128: middle >> (127 - UInt64(index)) & 1 == 1
            default: low >> (159 - UInt32(index)) & 1 == 1
            }
        }
        set {
            guard self[bit: index] != newValue else { return }
            switch index {
            case 0..<64: high ^= 1 << (63 - UInt64(index))
            case 64..<128: middle ^= 1 << (127 - UInt64(index))
            default: low ^= 1 << (159 - UInt32(index))
            }
        }
    }

    @inlinable
    package static func ^ (left: ID160, right: ID160) -> ID160 {
        ID160(high: left.high ^ right.high, middle: left.middle ^ right.middle, low: left.low ^ right.low)
    }

    @inlinable
    package static func == (left: ID160, right: ID160) -> Bool {
        left.high == right.high && left.middle == right.middle && left.low == right.low
    }

    package func append(to bytes: inout [UInt8]) {
        bytes.appendBigEndian(high)
        bytes.appendBigEndian(middle)
        bytes.appendBigEndian(low)
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(ID160.byteCount)
        append(to: &bytes)
        return bytes
    }

    package var hex: String { Hex.encode(bytes) }
}

/// The id under which a node is known in the DHT.
package typealias NodeID = ID160
/// The SHA-1 of a torrent's info dictionary (BEP 3).
package typealias InfoHash = ID160

extension ID160: Comparable {
    @inlinable
    package static func < (left: ID160, right: ID160) -> Bool {
        if left.high != right.high { return left.high < right.high }
        if left.middle != right.middle { return left.middle < right.middle }
        return left.low < right.low
    }
}

extension ID160: CustomStringConvertible {
    package var description: String { hex }
}
