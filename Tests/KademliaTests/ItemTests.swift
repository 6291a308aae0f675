import Digest
import KRPC
import Kademlia
import Primitives
import Testing

/// The vectors of BEP 44, of BEP 46, and signatures of our own.
@Suite struct ItemTests {
    private static let key = bytes("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548")
    private static let value = Array("12:Hello World!".utf8)
    private static let signature = bytes(
        """
        305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff\
        1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01
        """)
    private static let saltedSignature = bytes(
        """
        6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17d\
        df9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08
        """)

    private static func bytes(_ hex: String) -> [UInt8] { Hex.decode(hex) ?? [] }

    @Test func theMutableItemOfBEP44IsAuthentic() {
        var item = Item(
            value: Self.value, signed: Item.Signed(key: Self.key, sequence: 1, signature: Self.signature))
        #expect(item.target.hex == "4a533d47ec9c7d95b1ad75f576cffc641853b750")
        #expect(item.isAuthentic)
        item.signed?.sequence = 2
        #expect(!item.isAuthentic)
    }

    @Test func theSaltedItemOfBEP44IsAuthentic() {
        var item = Item(
            value: Self.value,
            signed: Item.Signed(
                key: Self.key, salt: Array("foobar".utf8), sequence: 1, signature: Self.saltedSignature))
        #expect(item.target.hex == "411eba73b6f087ca51a3795d9c8c938d365e32c1")
        #expect(item.isAuthentic)
        item.signed?.salt = Array("foobaz".utf8)
        #expect(!item.isAuthentic)
    }

    @Test func theImmutableItemOfBEP44HasTheTargetOfItsValue() {
        #expect(Item(value: Self.value).target.hex == "e5f96f6f38320f0f33959cb4d3d656452117aadb")
    }

    @Test func theTargetsOfBEP46AreThoseOfKeyAndSalt() {
        let key = Self.bytes("8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e")
        #expect(Item.target(key: key, salt: []).hex == "cc3f9d90b572172053626f9980ce261a850d050b")
        #expect(Item.target(key: key, salt: [0x6E]).hex == "59ee7c2cb9b4f7eb1986ee2d18fd2fdb8a56554f")
    }

    @Test func whatWeSignIsAuthenticUntilItIsChanged() {
        let seed = [UInt8](repeating: 9, count: 32)
        let item = Item.signed(value: Self.value, salt: [1, 2], sequence: 5, seed: seed)
        #expect(item.isAuthentic && item.isStorable)
        #expect(item.signed?.key == Ed25519.publicKey(seed: seed))
        for position in 0..<64 {
            var forged = item
            forged.signed?.signature[position] ^= 1
            #expect(!forged.isAuthentic)
        }
        var longer = item
        longer.value.append(0)
        #expect(!longer.isAuthentic)
        var short = item
        short.signed?.key.removeLast()
        #expect(!short.isAuthentic)
    }

    /// RFC 8032, section 7.1, tests 1 and 2.
    @Test(arguments: [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            """
            e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
            5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
            """
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            """
            92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
            085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
            """
        ),
    ])
    func signaturesAreThoseOfTheStandard(seed: String, key: String, message: String, signature: String) {
        #expect(Ed25519.publicKey(seed: Self.bytes(seed)) == Self.bytes(key))
        #expect(Ed25519.signature(of: Self.bytes(message), seed: Self.bytes(seed)) == Self.bytes(signature))
        #expect(Ed25519.isValid(Self.bytes(signature), of: Self.bytes(message), by: Self.bytes(key)))
    }
}
