/// A position in bencoded bytes, moved forward by reading.
///
/// Every call must pass the bytes given to `init`. After an error the position is unspecified: give up on the bytes.
///
///     var reader = BencodeReader(bytes)
///     try reader.enterDictionary(in: bytes)
///     while let key = try reader.nextKey(in: bytes) {
///         if bytes.matches("port", at: key) { port = try reader.integer(in: bytes) } else { _ = try reader.skip(in: bytes) }
///     }
///     try reader.finish()
package struct BencodeReader: Sendable {
    /// Where the next token starts, counted from the start of the span.
    package private(set) var offset: Int
    private let end: Int
    private var depthLeft: Int
    private var tokensLeft: Int

    package init(_ bytes: RawSpan, limits: BencodeLimits = .packet) {
        self.init(bytes, in: 0..<bytes.byteCount, limits: limits)
    }

    /// Reads only `range`, which must lie within `bytes`; offsets still count from the start of `bytes`.
    package init(_ bytes: RawSpan, in range: Range<Int>, limits: BencodeLimits = .packet) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.byteCount, "range outside the bytes")
        offset = range.lowerBound
        end = range.upperBound
        depthLeft = limits.depth
        tokensLeft = limits.tokens
    }

    /// What comes next, without moving.
    package func kind(in bytes: RawSpan) throws(BencodeError) -> BencodeKind {
        switch try peek(in: bytes) {
        case UInt8(ascii: "i"): return .integer
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return .string
        case UInt8(ascii: "l"): return .list
        case UInt8(ascii: "d"): return .dictionary
        case UInt8(ascii: "e"): return .end
        default: throw .unexpectedByte(at: offset)
        }
    }

    package mutating func enterDictionary(in bytes: RawSpan) throws(BencodeError) {
        try open(UInt8(ascii: "d"), in: bytes)
    }

    package mutating func enterList(in bytes: RawSpan) throws(BencodeError) {
        try open(UInt8(ascii: "l"), in: bytes)
    }

    /// The next key of the innermost dictionary, whose value must be read or skipped next; nil: its end was read.
    package mutating func nextKey(in bytes: RawSpan) throws(BencodeError) -> Range<Int>? {
        try closed(in: bytes) ? nil : string(in: bytes)
    }

    /// Whether the innermost list has another element, which must be read or skipped next; false: its end was read.
    package mutating func nextElement(in bytes: RawSpan) throws(BencodeError) -> Bool {
        try !closed(in: bytes)
    }

    package mutating func integer(in bytes: RawSpan) throws(BencodeError) -> Int64 {
        let start = offset
        guard try peek(in: bytes) == UInt8(ascii: "i") else { throw .unexpectedByte(at: start) }
        try countToken()
        offset += 1
        let isNegative = try peek(in: bytes) == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        let digits = offset
        var value: Int64 = 0  // kept negative, because Int64.min has no positive twin
        while case let digit = try peek(in: bytes) &- UInt8(ascii: "0"), digit <= 9 {
            let (product, productOverflows) = value.multipliedReportingOverflow(by: 10)
            let (difference, overflows) = product.subtractingReportingOverflow(Int64(digit))
            guard !productOverflows, !overflows else { throw .integerOutOfRange(at: start) }
            value = difference
            offset += 1
        }
        guard offset > digits, bytes.byte(at: offset) == UInt8(ascii: "e") else { throw .unexpectedByte(at: offset) }
        let startsWithZero = bytes.byte(at: digits) == UInt8(ascii: "0")
        guard !startsWithZero || (offset == digits + 1 && !isNegative) else { throw .notCanonical(at: start) }
        offset += 1
        if isNegative { return value }
        guard value != .min else { throw .integerOutOfRange(at: start) }
        return -value
    }

    /// The range of a string's content, without its length and colon.
    package mutating func string(in bytes: RawSpan) throws(BencodeError) -> Range<Int> {
        let start = offset
        try countToken()
        var length = 0
        while case let digit = try peek(in: bytes) &- UInt8(ascii: "0"), digit <= 9 {
            length = length * 10 + Int(digit)
            offset += 1
            // Checked at every digit, so that no number of digits overflows.
            guard length <= end - offset else { throw .truncated }
        }
        guard offset > start, bytes.byte(at: offset) == UInt8(ascii: ":") else { throw .unexpectedByte(at: offset) }
        guard offset == start + 1 || bytes.byte(at: start) != UInt8(ascii: "0") else { throw .notCanonical(at: start) }
        offset += 1
        guard length <= end - offset else { throw .truncated }
        defer { offset += length }
        return offset..<(offset + length)
    }

    /// Throws unless everything was read.
    package func finish() throws(BencodeError) {
        guard offset == end else { throw .trailingBytes(at: offset) }
    }

    private mutating func open(_ opener: UInt8, in bytes: RawSpan) throws(BencodeError) {
        guard try peek(in: bytes) == opener else { throw .unexpectedByte(at: offset) }
        guard depthLeft > 0 else { throw .tooDeep(at: offset) }
        try countToken()
        depthLeft -= 1
        offset += 1
    }

    private mutating func closed(in bytes: RawSpan) throws(BencodeError) -> Bool {
        guard try peek(in: bytes) == UInt8(ascii: "e") else { return false }
        depthLeft += 1
        offset += 1
        return true
    }

    private mutating func countToken() throws(BencodeError) {
        guard tokensLeft > 0 else { throw .tooManyTokens(at: offset) }
        tokensLeft -= 1
    }

    private func peek(in bytes: RawSpan) throws(BencodeError) -> UInt8 {
        guard offset < end else { throw .truncated }
        return bytes.byte(at: offset)
    }
}

extension RawSpan {
    /// Traps outside the span; the reader has compared the offset with its end before.
    fileprivate func byte(at offset: Int) -> UInt8 {
        unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}
