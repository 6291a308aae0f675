extension BencodeReader {
    /// Passes over one value of any kind, checking its structure as a walk would, and returns its bytes.
    package mutating func skip(in bytes: RawSpan) throws(BencodeError) -> Range<Int> {
        let start = offset
        var stack = ContainerStack()
        repeat {
            if !stack.isEmpty {
                guard try nextElement(in: bytes) else {
                    stack.pop()
                    continue
                }
                if stack.innermostIsDictionary { _ = try string(in: bytes) }
            }
            switch try kind(in: bytes) {
            case .integer: try skipInteger(in: bytes)
            case .string: _ = try string(in: bytes)
            case .list:
                try enterList(in: bytes)
                stack.push(isDictionary: false)
            case .dictionary:
                try enterDictionary(in: bytes)
                stack.push(isDictionary: true)
            case .end: throw .unexpectedByte(at: offset)
            }
        } while !stack.isEmpty
        return start..<offset
    }

    /// The integer that comes next; nil after skipping a value of another kind, or a number that no `Int64` is.
    package mutating func integerOrSkip(in bytes: RawSpan) throws(BencodeError) -> Int64? {
        guard try peek(in: bytes) == UInt8(ascii: "i") else {
            _ = try skip(in: bytes)
            return nil
        }
        let start = self
        do throws(BencodeError) {
            return try integer(in: bytes)
        } catch .integerOutOfRange, .notCanonical {
            self = start
            try skipInteger(in: bytes)
            return nil
        } catch {
            throw error
        }
    }

    /// The content of the string that comes next; nil after skipping a value of another kind.
    package mutating func stringOrSkip(in bytes: RawSpan) throws(BencodeError) -> Range<Int>? {
        let first = try peek(in: bytes)
        if first &- UInt8(ascii: "0") <= 9 { return try string(startingWith: first, in: bytes) }
        _ = try skip(in: bytes)
        return nil
    }

    /// Whether a list comes next and was entered; false after skipping a value of another kind.
    package mutating func enterListOrSkip(in bytes: RawSpan) throws(BencodeError) -> Bool {
        if try peek(in: bytes) == UInt8(ascii: "l") {
            try enterList(in: bytes)
            return true
        }
        _ = try skip(in: bytes)
        return false
    }

    /// Whether a dictionary comes next and was entered; false after skipping a value of another kind.
    package mutating func enterDictionaryOrSkip(in bytes: RawSpan) throws(BencodeError) -> Bool {
        if try peek(in: bytes) == UInt8(ascii: "d") {
            try enterDictionary(in: bytes)
            return true
        }
        _ = try skip(in: bytes)
        return false
    }
}

/// Which of the open containers are dictionaries: one bit each, so that no depth needs memory of its own.
private struct ContainerStack {
    private var isDictionary: UInt128 = 0
    private var count = 0

    var isEmpty: Bool { count == 0 }
    var innermostIsDictionary: Bool { isDictionary & 1 == 1 }

    mutating func push(isDictionary bit: Bool) {
        isDictionary = isDictionary << 1 | (bit ? 1 : 0)
        count += 1
    }

    mutating func pop() {
        isDictionary >>= 1
        count -= 1
    }
}
