import Primitives

/// The percent encoding of URIs (RFC 3986).
enum PercentCoding {
    /// Bytes, since what is encoded need not be UTF-8. A `%` without two digits stands for itself.
    static func decode(_ text: some Collection<UInt8>, plusIsSpace: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), case let digits = rest.prefix(2), digits.count == 2,
                let high = digits.first?.hexValue, let low = digits.dropFirst().first?.hexValue
            {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return bytes
    }

    /// Leaves only what RFC 3986 calls unreserved.
    static func encode(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte.isLetterOrDigit || "-._~".utf8.contains(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(contentsOf: Hex.encode(CollectionOfOne(byte)).uppercased().utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Collection<UInt8> where SubSequence: BidirectionalCollection {
    /// Without blanks and line breaks at either end: what pasting leaves behind.
    func trimmingBlanks() -> SubSequence {
        var rest = self[...]
        while let first = rest.first, first <= 0x20 { rest = rest.dropFirst() }
        while let last = rest.last, last <= 0x20 { rest = rest.dropLast() }
        return rest
    }
}

extension Collection<UInt8> {
    /// What follows `prefix`, which is lower case and found in any case; nil if it is not there.
    func droppingPrefix(_ prefix: StaticString) -> SubSequence? {
        let lowered = self.prefix(prefix.utf8CodeUnitCount)
        guard lowered.count == prefix.utf8CodeUnitCount else { return nil }
        for (index, byte) in lowered.enumerated() {
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            guard (isUpper ? byte | 0x20 : byte) == prefix.utf8Start[index] else { return nil }
        }
        return dropFirst(prefix.utf8CodeUnitCount)
    }
}
