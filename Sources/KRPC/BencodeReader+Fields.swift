import Bencode
import Primitives

extension BencodeReader {
    mutating func idOrSkip(in bytes: RawSpan) throws(BencodeError) -> ID160? {
        guard let range = try stringOrSkip(in: bytes), range.count == ID160.byteCount else { return nil }
        return ID160(bytes, at: range.lowerBound)
    }
}

extension Optional {
    /// Of a repeated key, the first usable value counts.
    mutating func fill(with value: Wrapped?) {
        if self == nil { self = value }
    }
}

extension Range<Int>? {
    func within(_ byteCount: Int) -> Range<Int>? {
        guard let self, self.count <= byteCount else { return nil }
        return self
    }

    func ofExactly(_ byteCount: Int) -> Range<Int>? {
        guard let self, self.count == byteCount else { return nil }
        return self
    }
}
