/// A fixed number of bits in the order of BEP 3: bit 0 is the high bit of the first byte.
package struct Bitfield: Hashable, Sendable {
    package let count: Int
    /// How many bits are set.
    package private(set) var setCount = 0
    private var words: [UInt64]

    package init(count: Int) {
        self.count = count
        words = Array(repeating: 0, count: (count + 63) / 64)
    }

    package init(filled count: Int) {
        self.init(count: count)
        for index in 0..<count { self[index] = true }
    }

    /// Reads a bitfield message; nil when its length is wrong or a spare bit is set, as BEP 3 demands.
    package init?(_ bytes: RawSpan, count: Int) {
        guard bytes.byteCount == (count + 7) / 8 else { return nil }
        self.init(count: count)
        for (index, byte) in (0..<bytes.byteCount).map({ ($0, bytes.byte(at: $0)) }) {
            words[index / 8] |= UInt64(byte) << UInt64(56 - index % 8 * 8)
        }
        if !count.isMultiple(of: 64), let last = words.last, last << UInt64(count % 64) != 0 { return nil }
        setCount = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    package subscript(index: Int) -> Bool {
        get {
            precondition(index >= 0 && index < count, "bit out of range")
            return words[index / 64] >> UInt64(63 - index % 64) & 1 == 1
        }
        set {
            guard self[index] != newValue else { return }
            words[index / 64] ^= 1 << UInt64(63 - index % 64)
            setCount += newValue ? 1 : -1
        }
    }

    package var isFull: Bool { setCount == count }
    package var isEmpty: Bool { setCount == 0 }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(words.count * 8)
        for word in words { bytes.appendBigEndian(word) }
        bytes.removeLast(bytes.count - (count + 7) / 8)
        return bytes
    }

    /// Whether `other`, of the same length, has a bit that this one lacks.
    package func lacksAny(of other: Bitfield) -> Bool {
        for index in words.indices where other.words[index] & ~words[index] != 0 { return true }
        return false
    }

    /// Whether a bit is set in both; `other` is of the same length.
    package func intersects(_ other: Bitfield) -> Bool {
        for index in words.indices where words[index] & other.words[index] != 0 { return true }
        return false
    }

    /// Whether both, of the same length, have some bit.
    package func overlaps(_ other: Bitfield) -> Bool {
        zip(words, other.words).contains { $0 & $1 != 0 }
    }

    /// The bits that `other`, of the same length, has not.
    package func subtracting(_ other: Bitfield) -> Bitfield {
        var rest = self
        for index in words.indices { rest.words[index] &= ~other.words[index] }
        rest.setCount = rest.words.reduce(0) { $0 + $1.nonzeroBitCount }
        return rest
    }

    /// The set bits, ascending.
    package var setIndices: some Sequence<Int> {
        words.indices.lazy.flatMap { [words] word in
            (0..<64).lazy.filter { words[word] >> UInt64(63 - $0) & 1 == 1 }.map { word * 64 + $0 }
        }
    }
}
