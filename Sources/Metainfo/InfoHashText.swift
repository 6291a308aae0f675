import Primitives

/// The two ways to write a v1 infohash (BEP 9): 40 hexadecimal digits, or 32 letters of base32 (RFC 4648).
enum InfoHashText {
    static func parse(_ text: ArraySlice<UInt8>) throws(MagnetError) -> InfoHash {
        switch text.count {
        case 40: try hash(of: text, bitsPerDigit: 4) { $0.hexValue }
        case 32: try hash(of: text, bitsPerDigit: 5) { $0.base32Value }
        // A v2 infohash: SHA-256, bare or as a multihash that says so.
        case 64 where text.allSatisfy { $0.hexValue != nil }: throw .version2Only
        case 68 where text.starts(with: "1220".utf8): throw .version2Only
        default: throw .infoHashLength(text.count)
        }
    }

    private static func hash(
        of text: ArraySlice<UInt8>, bitsPerDigit: Int, value: (UInt8) -> UInt8?
    ) throws(MagnetError) -> InfoHash {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(ID160.byteCount)
        var bits: UInt16 = 0
        var bitCount = 0
        for digit in text {
            guard let value = value(digit) else {
                throw .infoHashCharacter(String(UnicodeScalar(digit)), isHex: bitsPerDigit == 4)
            }
            bits = bits << UInt16(bitsPerDigit) | UInt16(value)
            bitCount += bitsPerDigit
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt16(bitCount)))
            }
        }
        return ID160(bytes.span.bytes, at: 0)
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// The lower case of an ASCII letter; anything else as it is.
    var lowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }

    var isLetterOrDigit: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowercased)
    }

    var hexValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    var base32Value: UInt8? {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): self - UInt8(ascii: "a")
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): self - UInt8(ascii: "A")
        case UInt8(ascii: "2")...UInt8(ascii: "7"): self - UInt8(ascii: "2") + 26
        default: nil
        }
    }
}
