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
        self.count = count
        setCount = count
        words = Array(repeating: .max, count: (count + 63) / 64)
        if !count.isMultiple(of: 64) { words[words.count - 1] = .max << UInt64(64 - count % 64) }
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

    /// The bits that `other`, of the same length, has not.
    package func subtracting(_ other: Bitfield) -> Bitfield {
        var rest = self
        for index in words.indices { rest.words[index] &= ~other.words[index] }
        rest.setCount = rest.words.reduce(0) { $0 + $1.nonzeroBitCount }
        return rest
    }

    /// The bits of this one and of `other`, which is of the same length.
    package func union(_ other: Bitfield) -> Bitfield {
        var all = self
        for index in words.indices { all.words[index] |= other.words[index] }
        all.setCount = all.words.reduce(0) { $0 + $1.nonzeroBitCount }
        return all
    }

    /// The set bits, ascending.
    package var setIndices: SetIndices { SetIndices(words: words) }

    /// The bits set in both, ascending; `other` is of the same length.
    ///
    /// Begins with the 64 bits around `start`, which must exist, and ends before them when `wraps`, else at the end.
    package func common(with other: Bitfield, from start: Int = 0, wraps: Bool = false) -> CommonIndices {
        let left = words.count - (wraps ? 0 : start / 64)
        return CommonIndices(words: words, others: other.words, first: start / 64, count: left)
    }

    package struct SetIndices: Sequence, IteratorProtocol, Sendable {
        private let words: [UInt64]
        private var position = 0
        /// What is left of the word before `position`.
        private var rest: UInt64 = 0

        init(words: [UInt64]) { self.words = words }

        package mutating func next() -> Int? {
            while rest == 0 {
                guard position < words.count else { return nil }
                rest = words[position]
                position += 1
            }
            let bit = rest.leadingZeroBitCount
            rest &= ~(1 << UInt64(63 - bit))
            return (position - 1) * 64 + bit
        }
    }

    package struct CommonIndices: Sequence, IteratorProtocol, Sendable {
        private let words: [UInt64]
        private let others: [UInt64]
        /// The word that is looked at, and how many are left behind it.
        private var position: Int
        private var left: Int
        private var rest: UInt64 = 0

        init(words: [UInt64], others: [UInt64], first: Int, count: Int) {
            (self.words, self.others) = (words, others)
            (position, left) = (first - 1, count)
        }

        package mutating func next() -> Int? {
            while rest == 0 {
                guard left > 0 else { return nil }
                left -= 1
                position = position + 1 < words.count ? position + 1 : 0
                rest = words[position] & others[position]
            }
            let bit = rest.leadingZeroBitCount
            rest &= ~(1 << UInt64(63 - bit))
            return position * 64 + bit
        }
    }
}
