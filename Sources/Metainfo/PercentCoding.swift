/// The percent encoding of URIs (RFC 3986).
enum PercentCoding {
    /// RFC 3986 wants them in upper case.
    private static let hexDigits = Array("0123456789ABCDEF".utf8)

    /// Bytes, since what is encoded need not be UTF-8; a `%` without two digits stands for itself.
    static func decode(_ text: ArraySlice<UInt8>, plusIsSpace: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: "%"), index + 1 < text.endIndex, let high = text[index].hexValue,
                let low = text[index + 1].hexValue
            {
                bytes.append(high << 4 | low)
                index += 2
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
                bytes += [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension ArraySlice<UInt8> {
    /// Without blanks and line breaks at either end: what pasting leaves behind.
    func trimmingBlanks() -> ArraySlice<UInt8> {
        let isBlank = { (byte: UInt8) in byte <= 0x20 }
        guard let last = lastIndex(where: { !isBlank($0) }) else { return [] }
        return self[...last].drop(while: isBlank)
    }

    /// What follows `prefix`, which is lower case and found in any case; nil if it is not there.
    func droppingPrefix(_ prefix: StaticString) -> ArraySlice<UInt8>? {
        guard count >= prefix.utf8CodeUnitCount else { return nil }
        for offset in 0..<prefix.utf8CodeUnitCount
        where self[startIndex + offset].lowercased != prefix.utf8Start[offset] {
            return nil
        }
        return dropFirst(prefix.utf8CodeUnitCount)
    }
}
