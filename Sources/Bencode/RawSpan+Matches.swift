extension RawSpan {
    /// Whether the bytes in `range`, such as a key that a reader returned, are exactly the ASCII `text`.
    ///
    /// Inlined, so that a comparison with a literal becomes a few instructions: decoders do little else.
    @inlinable
    package func matches(_ text: StaticString, at range: Range<Int>) -> Bool {
        let count = text.utf8CodeUnitCount
        guard range.count == count else { return false }
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "range outside the bytes")
        for index in 0..<count {
            let byte = unsafeLoad(fromUncheckedByteOffset: range.lowerBound &+ index, as: UInt8.self)
            guard byte == text.utf8Start[index] else { return false }
        }
        return true
    }
}
