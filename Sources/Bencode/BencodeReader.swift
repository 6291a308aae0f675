/// A position in bencoded bytes, moved forward by reading.
///
/// Every call must pass the bytes given to `init`. After an error the position is unspecified: give up on the bytes.
///
///     var reader = BencodeReader(bytes)
///     try reader.enterDictionary(in: bytes)
///     while let key = try reader.nextKey(in: bytes) {
/// if bytes.matches("port", at: key) { port = try reader.integer(in: bytes) } else { _ = try reader.skip(in: bytes) }
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
        let first = try peek(in: bytes)
        if first == UInt8(ascii: "e") {
            close()
            return nil
        }
        return try string(startingWith: first, in: bytes)
    }

    /// Whether the innermost list has another element, which must be read or skipped next; false: its end was read.
    package mutating func nextElement(in bytes: RawSpan) throws(BencodeError) -> Bool {
        guard try peek(in: bytes) == UInt8(ascii: "e") else { return true }
        close()
        return false
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

    /// Passes over an integer of any size and with leading zeros: its value is not used.
    mutating func skipInteger(in bytes: RawSpan) throws(BencodeError) {
        try countToken()
        offset += 1
        if try peek(in: bytes) == UInt8(ascii: "-") { offset += 1 }
        let digits = offset
        while try peek(in: bytes) &- UInt8(ascii: "0") <= 9 { offset += 1 }
        guard offset > digits, bytes.byte(at: offset) == UInt8(ascii: "e") else { throw .unexpectedByte(at: offset) }
        offset += 1
    }

    /// The range of a string's content, without its length and colon.
    package mutating func string(in bytes: RawSpan) throws(BencodeError) -> Range<Int> {
        try string(startingWith: try peek(in: bytes), in: bytes)
    }

    /// Throws unless everything was read.
    package func finish() throws(BencodeError) {
        guard offset == end else { throw .trailingBytes(at: offset) }
    }

    /// Inlined, as half of all that a decoder does is reading strings shorter than ten bytes: the keys.
    @inline(__always)
    mutating func string(startingWith first: UInt8, in bytes: RawSpan) throws(BencodeError) -> Range<Int> {
        try countToken()
        let length = Int(first &- UInt8(ascii: "0"))
        let start = offset &+ 2
        guard length <= 9, length <= end &- start, bytes.byte(at: offset &+ 1) == UInt8(ascii: ":") else {
            return try longString(in: bytes)
        }
        offset = start &+ length
        return Range(uncheckedBounds: (start, offset))
    }

    /// A string of any length, or what is wrong with it.
    private mutating func longString(in bytes: RawSpan) throws(BencodeError) -> Range<Int> {
        var length = 0
        var position = offset
        while position < end, case let digit = bytes.byte(at: position) &- UInt8(ascii: "0"), digit <= 9 {
            guard position == offset || length > 0 else { throw .notCanonical(at: offset) }
            // Given up at the first digit that makes it longer than what is left, so that no number overflows.
            guard length < end - position else { throw .truncated }
            length = length * 10 + Int(digit)
            position += 1
        }
        guard position < end else { throw .truncated }
        guard position > offset, bytes.byte(at: position) == UInt8(ascii: ":") else {
            throw .unexpectedByte(at: position)
        }
        position += 1
        guard length <= end - position else { throw .truncated }
        offset = position + length
        return position..<offset
    }

    private mutating func open(_ opener: UInt8, in bytes: RawSpan) throws(BencodeError) {
        guard try peek(in: bytes) == opener else { throw .unexpectedByte(at: offset) }
        guard depthLeft > 0 else { throw .tooDeep(at: offset) }
        try countToken()
        depthLeft -= 1
        offset += 1
    }

    private mutating func close() {
        depthLeft += 1
        offset += 1
    }

    private mutating func countToken() throws(BencodeError) {
        guard tokensLeft > 0 else { throw .tooManyTokens(at: offset) }
        tokensLeft -= 1
    }

    func peek(in bytes: RawSpan) throws(BencodeError) -> UInt8 {
        guard offset < end else { throw .truncated }
        return bytes.byte(at: offset)
    }
}

extension RawSpan {
    /// Traps outside the span; the reader has compared the offset with its end before.
    func byte(at offset: Int) -> UInt8 {
        precondition(UInt(bitPattern: offset) < UInt(bitPattern: byteCount), "other bytes than before")
        return unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }
}
