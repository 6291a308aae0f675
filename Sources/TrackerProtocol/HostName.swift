/// Host names, as far as a resolver needs to be protected from what a torrent says.
enum HostName {
    /// Letters, digits, `-` and `_` in labels of up to 63, joined by dots; at most 253 bytes.
    ///
    /// The last label must not look like a number: resolvers take `127.1` and `0x7f000001` for addresses, and an
    /// address policy should see none but those that can be read.
    static func isValid(_ name: ArraySlice<UInt8>) -> Bool {
        guard (1...253).contains(name.count) else { return false }
        var labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        // One trailing dot marks a fully qualified name.
        if labels.count > 1, labels[labels.count - 1].isEmpty { labels.removeLast() }
        guard let first = labels.last?.first, !isDigit(first) || labels[labels.count - 1].contains(where: isWordLetter)
        else { return false }
        return labels.allSatisfy { (1...63).contains($0.count) && $0.allSatisfy(isNameByte) }
    }

    /// A letter that no decimal, octal or hexadecimal number contains, or a hyphen.
    private static func isWordLetter(_ byte: UInt8) -> Bool {
        switch byte | 0x20 {
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "x"): false
        default: !isDigit(byte)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
