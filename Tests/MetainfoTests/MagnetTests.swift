import Metainfo
import Primitives
import Testing

@Suite struct MagnetTests {
    static let hex = "0123456789abcdef0123456789abcdef01234567"
    /// The same 20 bytes in base32.
    static let base32 = "AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH"

    @Test(arguments: [
        "magnet:?xt=urn:btih:\(hex)", "magnet:?xt=urn:btih:\(hex.uppercased())", "magnet:?xt=urn:btih:\(base32)",
        "magnet:?xt=urn:btih:\(base32.lowercased())", "MAGNET:?XT=URN:BTIH:\(hex)", hex, hex.uppercased(), base32,
        base32.lowercased(), "  \(hex)\n", "\tmagnet:?xt=urn:btih:\(hex)\r\n", "magnet:?dn=x&xt=urn%3Abtih%3A\(hex)",
        "magnet:?xt.1=urn:btih:\(hex)", "magnet:?&&xt=urn:btih:\(hex)&", "magnet:?xt=urn:sha1:ABC&xt=urn:btih:\(hex)",
        "magnet:?xt=urn:btmh:1220abcd&xt=urn:btih:\(hex)", "magnet:?xt=urn:btih:\(hex)&xt=urn:btih:\(base32)",
        "magnet:?xt=urn:btih:\(hex)&unknown&so=1&=x&%=%",
    ])
    func everySpellingNamesTheSameTorrent(text: String) throws {
        #expect(try Magnet(text).infoHash == InfoHash(hex: Self.hex))
    }

    @Test(arguments: [
        ("", MagnetError.empty), (" \n", .empty), ("http://example.org/", .notAMagnet), ("magnet:", .notAMagnet),
        ("./file.torrent", .notAMagnet), ("magnet:?", .missingTopic), ("magnet:?dn=x", .missingTopic),
        (String(hex.dropLast()), .infoHashLength(39)), ("\(hex)0", .infoHashLength(41)), ("abc", .infoHashLength(3)),
        ("magnet:?xt=urn:btih:\(hex.dropLast())", .infoHashLength(39)),
        ("magnet:?xt=urn:btih:", .infoHashLength(0)), ("magnet:?xt=urn:btih", .unknownTopic("urn:btih")),
        ("magnet:?xt=urn:btih:\(hex.dropLast())g", .infoHashCharacter("g", isHex: true)),
        ("magnet:?xt=urn:btih:\(base32.dropLast())1", .infoHashCharacter("1", isHex: false)),
        ("magnet:?xt=urn:btmh:1220\(hex)\(hex.prefix(24))", .version2Only),
        ("\(hex)\(hex.prefix(24))", .version2Only), ("1220\(hex)\(hex.prefix(24))", .version2Only),
        ("magnet:?xt=urn:tree:tiger:ABC", .unknownTopic("urn:tree:tiger:ABC")),
        (
            "magnet:?xt=urn:btih:\(hex)&xt=urn:btih:\(String(repeating: "a", count: 40))",
            .severalInfoHashes
        ),
        ("magnet:?xt=urn:btih:\(hex)&x.pe=nowhere", .peerAddress("nowhere")),
        ("magnet:?xt=urn:btih:\(hex)&x.pe=::1:80", .peerAddress("::1:80")),
        ("magnet:?xt=urn:btih:\(hex)&x.pe=host:0", .peerAddress("host:0")),
        ("magnet:?xt=urn:btih:\(hex)&dn=\(String(repeating: "x", count: 16 << 10))", .tooLong(limitBytes: 16 << 10)),
    ])
    func aBrokenLinkIsRefusedWithItsReason(text: String, error: MagnetError) {
        #expect(throws: error) { try Magnet(text) }
        #expect(!error.description.isEmpty)
    }

    @Test func errorsSayWhatWasExpected() {
        #expect(
            MagnetError.infoHashLength(39).description
                == "the infohash has 39 characters; expected 40 hexadecimal digits or 32 base32 letters")
        #expect(MagnetError.version2Only.description.contains("not supported yet"))
    }

    @Test(arguments: [
        ("a+b%20c", "a b c"), ("caf%C3%A9", "café"), ("%zz%4", "%zz%4"), ("%ff", "\u{FFFD}"), ("", ""),
        ("a=b", "a=b"),
    ])
    func displayNameIsDecoded(encoded: String, name: String) throws {
        #expect(try Magnet("magnet:?xt=urn:btih:\(Self.hex)&dn=\(encoded)").displayName == name)
    }

    @Test func trackersKeepTheirPlusSigns() throws {
        let magnet = try Magnet(
            "magnet:?xt=urn:btih:\(Self.hex)&tr=http%3A%2F%2Fa%2Fb%3Fk%3D1+2&tr.1=udp://c:80&ws=http://w/")
        #expect(magnet.trackers == ["http://a/b?k=1+2", "udp://c:80"])
        #expect(magnet.webSeeds == ["http://w/"])
    }

    @Test func peersAreNamesAndAddressesOfBothFamilies() throws {
        let magnet = try Magnet(
            "magnet:?xt=urn:btih:\(Self.hex)&x.pe=example.org:1&x.pe=1.2.3.4:5&x.pe=%5B2001:db8::1%5D:65535")
        #expect(magnet.peers.map(\.description) == ["example.org:1", "1.2.3.4:5", "[2001:db8::1]:65535"])
        #expect(magnet.peers.map(\.endpoint) == [nil, Endpoint("1.2.3.4:5"), Endpoint("[2001:db8::1]:65535")])
    }

    @Test func sourcesBeyondTheLimitAreDroppedAndCounted() throws {
        let many = String(repeating: "&tr=a", count: 300) + String(repeating: "&ws=b", count: 257)
        let magnet = try Magnet("magnet:?xt=urn:btih:\(Self.hex)\(many)\(String(repeating: "&x.pe=c:1", count: 256))")
        #expect(magnet.trackers.count == 256)
        #expect(magnet.webSeeds.count == 256)
        #expect(magnet.peers.count == 256)
        #expect(magnet.droppedSources == 44 + 1)
    }

    @Test func textRoundTrips() throws {
        let magnet = Magnet(
            infoHash: try #require(InfoHash(hex: Self.hex)), displayName: "a&b=c d+é%", trackers: ["http://t/a?b&c"],
            peers: [try #require(PeerAddress("[::1]:80"))])
        #expect(try Magnet(magnet.text) == magnet)
        #expect(magnet.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
    }

    @Test(arguments: [
        "host", "host:", ":80", "host:65536", "host:+1", "ho st:1", "a..b:1", ".a:1", "[host]:1", "[1.2.3.4]:1",
        "[::1]",
        "::1:80", "ho/st:1", "host:0", "\(String(repeating: "a", count: 64)).b:1",
        "\(String(repeating: "a.", count: 127))b:1",
    ])
    func otherPeerAddressesAreRefused(text: String) {
        #expect(PeerAddress(text) == nil)
    }

    @Test(arguments: ["localhost:1", "a-b.c_d.example:65535", "xn--caf-dma.example:80", "host.:80"])
    func hostNamesAreAccepted(text: String) {
        #expect(PeerAddress(text)?.description == text)
    }
}
