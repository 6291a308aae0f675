/// Appends bencoding to an array of bytes.
///
/// The result is canonical when keys are written in ascending order of their bytes, each once; debug builds trap on
/// a key out of order, since that is a bug of ours and never the fault of input.
package struct BencodeWriter: Sendable {
    package private(set) var bytes: [UInt8]
    #if DEBUG
        /// The last key of each open dictionary; nil for a list, or a dictionary without keys so far.
        private var lastKeys: [Range<Int>?] = []
    #endif

    /// Goes on after `bytes`, keeping their storage if the caller gave up his copy.
    package init(appendingTo bytes: consuming [UInt8] = []) {
        self.bytes = bytes
    }

    /// Takes `bytes` over without copying them, to append to them; `move(to:)` gives them back.
    package init(moving bytes: inout [UInt8]) {
        self.bytes = []
        swap(&self.bytes, &bytes)
    }

    /// Exchanges what was written for `bytes`, left empty by `init(moving:)`.
    package mutating func move(to bytes: inout [UInt8]) {
        swap(&self.bytes, &bytes)
    }

    package mutating func beginDictionary() {
        begin(UInt8(ascii: "d"))
    }

    package mutating func beginList() {
        begin(UInt8(ascii: "l"))
    }

    /// Closes the innermost list or dictionary.
    package mutating func end() {
        #if DEBUG
            precondition(lastKeys.popLast() != nil, "nothing to end")
        #endif
        bytes.append(UInt8(ascii: "e"))
    }

    package mutating func key(_ text: StaticString) {
        string(text)
        noteKey(byteCount: text.utf8CodeUnitCount)
    }

    package mutating func key(_ content: some Collection<UInt8>) {
        string(content)
        noteKey(byteCount: content.count)
    }

    package mutating func integer(_ value: some FixedWidthInteger) {
        bytes.append(UInt8(ascii: "i"))
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        appendDecimal(UInt64(value.magnitude))
        bytes.append(UInt8(ascii: "e"))
    }

    package mutating func string(_ text: StaticString) {
        appendLength(text.utf8CodeUnitCount)
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package mutating func string(_ content: some Collection<UInt8>) {
        appendLength(content.count)
        bytes.append(contentsOf: content)
    }

    package mutating func string(_ content: RawSpan) {
        appendLength(content.byteCount)
        raw(content)
    }

    /// A string of `byteCount` bytes, zeros at first, for `fill` to store into from the offset it is given.
    package mutating func string(byteCount: Int, _ fill: (inout MutableRawSpan, Int) -> Void) {
        appendLength(byteCount)
        raw(byteCount: byteCount, fill)
    }

    /// A value that is bencoded already.
    package mutating func raw(_ value: RawSpan) {
        value.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Values that `fill` bencodes itself into `byteCount` bytes, zeros at first, from the offset it is given.
    ///
    /// One growth and one check for many small stores: a packet full of peers costs a third.
    package mutating func raw(byteCount: Int, _ fill: (inout MutableRawSpan, Int) -> Void) {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: byteCount))
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        fill(&raw, start)
    }

    private mutating func begin(_ opener: UInt8) {
        #if DEBUG
            lastKeys.append(nil)
        #endif
        bytes.append(opener)
    }

    private mutating func appendLength(_ count: Int) {
        appendDecimal(UInt64(count))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func appendDecimal(_ value: UInt64) {
        if value < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(value)) }  // the length of nearly every key
        var divisor: UInt64 = 10
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    /// Called when the key has just been written.
    private mutating func noteKey(byteCount: Int) {
        #if DEBUG
            precondition(!lastKeys.isEmpty, "a key outside a dictionary")
            let key = (bytes.count - byteCount)..<bytes.count
            if let last = lastKeys[lastKeys.count - 1] {
                precondition(bytes[last].lexicographicallyPrecedes(bytes[key]), "keys out of order")
            }
            lastKeys[lastKeys.count - 1] = key
        #endif
    }
}
