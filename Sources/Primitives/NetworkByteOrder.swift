/// Big-endian integers in byte sequences: the order of every binary field in BitTorrent.
extension RawSpan {
    /// Traps when the integer does not lie wholly within the span: the caller has checked the length.
    package func bigEndian<Integer: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Integer.Type)
        -> Integer
    {
        Integer(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }

    /// The byte at `offset`, which must lie within the span.
    package func byte(at offset: Int) -> UInt8 {
        unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// A copy of `range`, which must lie within the span.
    package func copy(_ range: Range<Int>) -> [UInt8] {
        extracting(range).withUnsafeBytes { Array($0) }
    }
}

extension [UInt8] {
    package mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        var value = value.bigEndian
        Swift.withUnsafeBytes(of: &value) { append(contentsOf: $0) }
    }
}
