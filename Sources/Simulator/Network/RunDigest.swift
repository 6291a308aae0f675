/// A running 64-bit digest of all that happened: not secure, but quick, and the same in every process.
package struct RunDigest: Equatable, Sendable {
    package private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func absorb(_ word: UInt64) {
        let product = (value ^ word).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        value = product.high ^ product.low ^ 0xE703_7ED1_A0B4_28DB
    }

    mutating func absorb(_ bytes: RawSpan) {
        var offset = 0
        while offset + 8 <= bytes.byteCount {
            absorb(UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        var last = UInt64(bytes.byteCount) << 56
        while offset < bytes.byteCount {
            last = last << 8 ^ UInt64(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
            offset += 1
        }
        absorb(last)
    }
}
