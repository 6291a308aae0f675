import Digest
import Primitives
import Testing

@Suite struct DigestTests {
    /// FIPS 180-4 examples.
    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
    ])
    func sha1MatchesItsStandard(message: String, digest: String) {
        #expect(SHA1.hash(Array(message.utf8)).hex == digest)
    }

    @Test func sha1FedInPiecesEqualsOneCallAndTheContextIsReusable() {
        let message = Array("the quick brown fox".utf8)
        let hasher = SHA1()
        for _ in 0..<2 {
            for byte in message { [byte].withUnsafeBytes { hasher.update($0) } }
            #expect(hasher.finish() == SHA1.hash(message))
        }
    }

    /// The first nine of the reference vectors of SipHash-2-4: key 00..0f, message 00..n-1.
    @Test(arguments: [
        (0, "310e0edd47db6f72"), (1, "fd67dc93c539f874"), (2, "5a4fa9d909806c0d"), (3, "2d7efbd796666785"),
        (4, "b7877127e09427cf"), (5, "8da699cd64557618"), (6, "cee3fe586e46c9cb"), (7, "37d1018bf50002ab"),
        (8, "6224939a79f5f593"), (15, "e545be4961ca29a1"),
    ])
    func sipHashMatchesItsReference(length: Int, digest: String) {
        let hash = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
        let message = (0..<length).map { UInt8($0) }
        var bytes: [UInt8] = []
        bytes.appendBigEndian(hash.hash(message).byteSwapped)
        #expect(Hex.encode(bytes) == digest)
    }
}
