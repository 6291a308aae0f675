/// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed 64-bit hash for short messages such as tokens.
///
/// Written out here because libcrypto offers it only behind a context per call, which costs more than the hash.
package struct SipHash: Sendable {
    private let key: (UInt64, UInt64)

    package init(key: (UInt64, UInt64)) {
        self.key = key
    }

    package func hash(_ bytes: RawSpan) -> UInt64 {
        var state = State(key: key)
        let wholeWords = bytes.byteCount / 8
        for word in 0..<wholeWords {
            state.absorb(UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: word * 8, as: UInt64.self)))
        }
        var last = UInt64(truncatingIfNeeded: bytes.byteCount) << 56
        for offset in wholeWords * 8..<bytes.byteCount {
            last |= UInt64(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)) << UInt64(offset % 8 * 8)
        }
        state.absorb(last)
        return state.finish()
    }

    package func hash(_ bytes: [UInt8]) -> UInt64 {
        hash(bytes.span.bytes)
    }
}

private struct State {
    private var v0, v1, v2, v3: UInt64

    init(key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736f_6d65_7073_6575
        v1 = key.1 ^ 0x646f_7261_6e64_6f6d
        v2 = key.0 ^ 0x6c79_6765_6e65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    mutating func finish() -> UInt64 {
        v2 ^= 0xFF
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    private mutating func round() {
        v0 &+= v1
        v1 = rotate(v1, 13) ^ v0
        v0 = rotate(v0, 32)
        v2 &+= v3
        v3 = rotate(v3, 16) ^ v2
        v0 &+= v3
        v3 = rotate(v3, 21) ^ v0
        v2 &+= v1
        v1 = rotate(v1, 17) ^ v2
        v2 = rotate(v2, 32)
    }

    private func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value << count | value >> (64 - count)
    }
}
