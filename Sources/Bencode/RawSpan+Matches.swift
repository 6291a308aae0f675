extension RawSpan {
    /// Whether the bytes in `range`, such as a key that a reader returned, are exactly the ASCII `text`.
    package func matches(_ text: StaticString, at range: Range<Int>) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        let start = text.utf8Start
        for index in 0..<text.utf8CodeUnitCount
        where unsafeLoad(fromByteOffset: range.lowerBound + index, as: UInt8.self) != start[index] {
            return false
        }
        return true
    }
}
