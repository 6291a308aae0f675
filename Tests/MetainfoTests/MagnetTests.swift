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
        "magnet:?xt=urn:btih:\(hex)&unknown&so=1&=x&%=%", "magnet://?xt=urn:btih:\(hex)", "magnet:xt=urn:btih:\(hex)",
        "magnet:?xt=urn:btih:\(hex)%0A&dn=a", "magnet:?xt=urn:btih:\(hex)#top", "urn:btih:\(hex)",
        "URN:BTIH:\(base32)", "magnet:%3Fxt%3Durn%3Abtih%3A\(hex)%26dn%3Da", "\u{FEFF}magnet:?xt=urn:btih:\(hex)",
        "magnet:?dn=a&amp;xt=urn:btih:\(hex)", "magnet:?dn=a&amp;amp;xt=urn:btih:\(hex)",
        "magnet:?dn=a&#38;xt=urn:btih:\(hex)", "magnet:?dn=a&#x26;xt=urn:btih:\(hex)",
        "\"magnet:?xt=urn:btih:\(hex)\"", "'magnet:?xt=urn:btih:\(hex)'", "<magnet:?xt=urn:btih:\(hex)>",
        "“magnet:?xt=urn:btih:\(hex)”", "(magnet:?xt=urn:btih:\(hex))", "\u{A0}<\(hex)>\u{A0}",
        "magnet:?xt=urn:btih:\(hex.prefix(20))\r\n\(hex.suffix(20))", "magnet:?xt= urn:btih:\(hex) & dn=a",
        "magnet:?xt=urn:btih:\(hex.dropLast())&xt.2=urn:btih:\(hex)",
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
        ("urn:btmh:1220\(hex)\(hex.prefix(24))", .version2Only), ("magnet:/?dn=x", .missingTopic),
        ("magnet:?xt=urn:btih:\(hex)&dn=\(String(repeating: "x", count: 256 << 10))", .tooLong(limitBytes: 256 << 10)),
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

    @Test(arguments: [
        "tr=http%253A%252F%252Fa%252Fb%253Fc%253D1", "tr=http://a/b?c=1%0D%0A", "tr= http://a/b?c=1 ",
        "tr=%22http://a/b?c=1", "tr=http%3A%2F%2Fa%2Fb%3Fc%3D1&tr.1=http://a/b?c=1",
    ])
    func aTrackerIsReadAsItWasMeant(parameter: String) throws {
        let magnet = try Magnet("magnet:?xt=urn:btih:\(Self.hex)&\(parameter.replacing("%22", with: "\""))")
        #expect(magnet.trackers == ["http://a/b?c=1"])
        #expect(magnet.remarks.isEmpty)
    }

    /// What is encoded once more within a URL is its own.
    @Test func aTrackerThatIsAURLIsNotDecodedFurther() throws {
        let magnet = try Magnet("magnet:?xt=urn:btih:\(Self.hex)&tr=http%3A%2F%2Fa%2F%253Fb&tr=udp%253A")
        #expect(magnet.trackers == ["http://a/%3Fb", "udp%3A"])
    }

    @Test(arguments: [
        ("x.pe=nowhere&x.pe=1.2.3.4:5", MagnetRemark.Part.peerAddress, "nowhere", 1),
        ("x.pe=1.2.3.4:0&x.pe=::1:80&x.pe=1.2.3.4:5", .peerAddress, "1.2.3.4:0", 2),
        ("xt.2=urn:btih:abc&x.pe=1.2.3.4:5", .infoHash, "urn:btih:abc", 1),
        ("so=&x.pe=1.2.3.4:5", .selection, "", 1), ("so=a,1,-,2-1&x.pe=1.2.3.4:5", .selection, "a", 3),
    ])
    func whatIsOddIsLeftOutWithARemark(
        parameters: String, part: MagnetRemark.Part, example: String, count: Int
    ) throws {
        let magnet = try Magnet("magnet:?xt=urn:btih:\(Self.hex)&\(parameters)")
        #expect(magnet.peers.map(\.description) == ["1.2.3.4:5"])
        #expect(magnet.remarks.map(\.part) == [part])
        #expect(magnet.remarks.map(\.example) == [example])
        #expect(magnet.remarks.map(\.count) == [count])
        #expect(magnet.remarks.allSatisfy { $0.description.hasPrefix("left out ") })
    }

    @Test func selectionsAddUp() throws {
        let magnet = try Magnet("magnet:?xt=urn:btih:\(Self.hex)&so=1,&so=4-6&so=9")
        #expect(magnet.remarks.isEmpty)
        #expect(magnet.text.hasSuffix("&so=1,4-6,9"))
        #expect(try Magnet("magnet:?xt=urn:btih:\(Self.hex)&so=x").selection == nil)
    }

    @Test func threeHundredTrackersAreNoReasonToRefuseALink() throws {
        let trackers = (0..<330).map { "&tr=udp%3A%2F%2Ftracker\($0).example.org%3A1337%2Fannounce" }.joined()
        let magnet = try Magnet("magnet:?xt=urn:btih:\(Self.hex)\(trackers)")
        #expect(magnet.trackers.count == MetainfoLimits.sources)
        #expect(magnet.remarks.map(\.count) == [330 - MetainfoLimits.sources])
    }

    @Test func peersAreNamesAndAddressesOfBothFamilies() throws {
        let magnet = try Magnet(
            "magnet:?xt=urn:btih:\(Self.hex)&x.pe=example.org:1&x.pe=1.2.3.4:5&x.pe=%5B2001:db8::1%5D:65535")
        #expect(magnet.peers.map(\.description) == ["example.org:1", "1.2.3.4:5", "[2001:db8::1]:65535"])
        #expect(magnet.peers.map(\.endpoint) == [nil, Endpoint("1.2.3.4:5"), Endpoint("[2001:db8::1]:65535")])
    }

    @Test func sourcesBeyondTheLimitAreDroppedAndCounted() throws {
        let names = (0..<300).map { "&tr=a\($0)&ws=b\($0)&x.pe=c:\($0 + 1)" }
        let magnet = try Magnet("magnet:?xt=urn:btih:\(Self.hex)\(names.joined())")
        #expect(magnet.trackers.count == 256)
        #expect(magnet.webSeeds.count == 256)
        #expect(magnet.peers.count == 256)
        #expect(magnet.remarks.map(\.count) == [3 * 44])
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
