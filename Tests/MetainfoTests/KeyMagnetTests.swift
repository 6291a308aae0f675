import Metainfo
import Primitives
import Testing

/// Links to what the owner of a key points at (BEP 46).
@Suite struct KeyMagnetTests {
    static let key = String(repeating: "8543d3e6", count: 8)

    @Test(arguments: [
        "magnet:?xs=urn:btpk:\(key)", "MAGNET:?XS=URN:BTPK:\(key.uppercased())", " magnet:?xs=urn%3Abtpk%3A\(key)\n",
        "magnet:?dn=x&xs=urn:btpk:\(key)&xs=urn:btpk:\(key)", "magnet:?xs=http://example.org/&xs=urn:btpk:\(key)",
    ])
    func everySpellingNamesTheSameKey(text: String) throws {
        let link = try #require(KeyMagnet(text))
        #expect(Hex.encode(link.key) == Self.key && link.salt.isEmpty)
        #expect(link.text == "magnet:?xs=urn:btpk:\(Self.key)")
    }

    @Test func theSaltIsPartOfTheName() throws {
        let link = try #require(KeyMagnet("magnet:?xs=urn:btpk:\(Self.key)&s=6e"))
        #expect(link.salt == [0x6e])
        #expect(KeyMagnet(link.text) == link)
        #expect(KeyMagnet(key: link.key, salt: []) != link)
    }

    @Test(arguments: [
        "", Self.key, "magnet:?xs=urn:btpk:", "magnet:?xs=urn:btpk:\(key.dropLast(2))", "magnet:?xs=urn:btpk:\(key)00",
        "magnet:?xs=urn:btpk:\(key.dropLast())g", "magnet:?xt=urn:btih:\(key.prefix(40))",
        "magnet:?xs=urn:btpk:\(key)&s=6", "magnet:?xs=urn:btpk:\(key)&s=6e&s=6f",
        "magnet:?xs=urn:btpk:\(key)&s=\(String(repeating: "61", count: 65))",
        "magnet:?xs=urn:btpk:\(key)&xs=urn:btpk:\(String(repeating: "00", count: 32))",
    ])
    func anythingElseIsNoSuchLink(text: String) {
        #expect(KeyMagnet(text) == nil)
    }

    @Test func aValuePointsAtATorrent() throws {
        let infoHash = try #require(InfoHash(hex: MagnetTests.hex))
        let value = KeyMagnet.value(pointingAt: infoHash)
        #expect(value.starts(with: Array("d2:ih20:".utf8)) && value.count == 29)
        #expect(KeyMagnet.infoHash(in: value) == infoHash)
        let withMore = Array("d1:ai1e2:ih20:".utf8) + infoHash.bytes + Array("1:z0:e".utf8)
        #expect(KeyMagnet.infoHash(in: withMore) == infoHash)
    }

    @Test(arguments: ["", "5:hello", "d2:ih3:abce", "d2:ihi1ee", "de", "d2:ih20:abc", "i1e", "d1:a0:e"])
    func otherValuesPointAtNothing(text: String) {
        #expect(KeyMagnet.infoHash(in: Array(text.utf8)) == nil)
    }
}
