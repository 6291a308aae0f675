import Digest
import Primitives
import Testing

@Suite struct RC4Tests {
    /// RFC 6229: 16 bytes of the key stream from an offset on.
    @Test(arguments: [
        ("0102030405", 0, "b2396305f03dc027ccc3524a0a1118a8"),
        ("0102030405", 16, "6982944f18fc82d589c403a47a0d0919"),
        ("0102030405", 1024, "30abbcc7c20b01609f23ee2d5f6bb7df"),
        ("0102030405", 4096, "ff25b58995996707e51fbdf08b34d875"),
        ("0102030405060708090a0b0c0d0e0f10", 0, "9ac7cc9a609d1ef7b2932899cde41b97"),
        ("0102030405060708090a0b0c0d0e0f10", 1024, "bdf0324e6083dcc6d3cedd3ca8c53c16"),
        ("0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", 0, "eaa6bd25880bf93d3f5d1e4ca2611d91"),
        ("1ada31d5cf688221c109163908ebe51debb46227c6cc8b37641910833222772a", 0, "dd5bcb0018e922d494759d7c395d02d3"),
    ])
    func matchesItsStandard(key: String, offset: Int, keyStream: String) throws {
        var cipher = RC4(key: try #require(Hex.decode(key)), discarding: offset)
        var bytes = [UInt8](repeating: 0, count: 16)
        cipher.apply(to: &bytes, in: bytes.indices)
        #expect(Hex.encode(bytes) == keyStream)
    }

    @Test func howTheBytesAreCutAndHandedOverMakesNoDifference() {
        let plain = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
        var whole = plain
        var cipher = RC4(key: [1, 2, 3])
        cipher.apply(to: &whole, in: whole.indices)

        var parts = plain
        var again = RC4(key: [1, 2, 3])
        again.apply(to: &parts, in: 0..<0)
        again.apply(to: &parts, in: 0..<1)
        var elements = parts.mutableSpan
        var span = elements.mutableBytes
        again.apply(to: &span, in: 1..<313)
        parts.withUnsafeMutableBytes { again.apply(to: UnsafeMutableRawBufferPointer(rebasing: $0[313...])) }
        #expect(parts == whole)

        var back = RC4(key: [1, 2, 3])
        back.discard(100)
        back.apply(to: &whole, in: 100..<whole.count)
        #expect(whole[100...] == plain[100...])
        #expect(whole[..<100] != plain[..<100])
    }
}
