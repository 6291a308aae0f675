import Primitives
import Testing
import TrackerProtocol

@Suite struct TrackerURLTests {
    @Test(arguments: [
        ("http://example.org/announce", "http", "example.org", 80, "/announce"),
        ("https://example.org/announce", "https", "example.org", 443, "/announce"),
        ("HTTP://EXAMPLE.org:8080/A/b.php?x=1&y=%20", "http", "example.org", 8080, "/A/b.php?x=1&y=%20"),
        ("udp://tracker.example.org:1337", "udp", "tracker.example.org", 1337, ""),
        ("udp://1.2.3.4:80/announce?auth=0", "udp", "1.2.3.4", 80, "/announce?auth=0"),
        ("udp://[2001:DB8::1]:6969/announce", "udp", "2001:db8::1", 6969, "/announce"),
        ("http://[::1]", "http", "::1", 80, ""), (" http://a?k=1#part \n", "http", "a", 80, "?k=1"),
        ("http://a.b.c./x", "http", "a.b.c.", 80, "/x"), ("http://a_b-c.x1/", "http", "a_b-c.x1", 80, "/"),
        ("https://user:pa@ss@host/", "https", "host", 443, "/"), ("udp://user@host:1", "udp", "host", 1, ""),
        ("http://host/a:b@c", "http", "host", 80, "/a:b@c"), ("http://0g/", "http", "0g", 80, "/"),
    ])
    func partsAreFound(text: String, scheme: String, host: String, port: UInt16, target: String) throws {
        let url = try TrackerURL(text)
        #expect(url.scheme.rawValue == scheme && url.host == host && url.port == port && url.target == target)
        #expect(try TrackerURL(url.text) == url)
    }

    @Test(arguments: [
        ("", TrackerURLError.empty), (" \n", .empty), ("example.org/announce", .missingScheme),
        ("http:/a", .missingScheme), ("http", .missingScheme), ("wss://tracker.example.org", .unknownScheme("wss")),
        ("file:///etc/passwd", .unknownScheme("file")), ("http://", .missingHost), ("http:///announce", .missingHost),
        ("http://:80/", .missingHost), ("http://user@/", .missingHost), ("http://a b/", .character(0x20)),
        ("http://a/\u{0}b", .character(0)), ("http://bücher.example/", .character(0xC3)),
        ("http://a..b/", .host("a..b")),
        ("http://.a/", .host(".a")), ("http://::1/", .host("::1")), ("http://[::1/", .host("[::1")),
        ("http://[1.2.3.4]/", .host("[1.2.3.4]")), ("http://[::1]x/", .host("[::1]x")),
        ("http://[fe80::1%25eth0]/", .host("[fe80::1%25eth0]")), ("http://a:0/", .port), ("http://a:/", .port),
        ("http://a:65536/", .port), ("http://a:+80/", .port), ("http://a:80x/", .port), ("udp://a", .missingPort),
        ("udp://a/announce", .missingPort), ("http://a%41/", .host("a%41")), ("http://a\\b/", .host("a\\b")),
        ("http://\(String(repeating: "a", count: 64))/", .host(String(repeating: "a", count: 64))),
    ])
    func aBrokenURLIsRefusedWithItsReason(text: String, error: TrackerURLError) {
        #expect(throws: error) { try TrackerURL(text) }
        #expect(!error.description.isEmpty)
    }

    /// Resolvers read these as addresses, loopback among them.
    @Test(arguments: [
        "127.1", "2130706433", "0x7f000001", "1.2.3.256", "0x7f.1", "1.2.3.0x4", "017700000001", "1.2.3.",
    ])
    func aNumberIsNoHost(host: String) {
        #expect(throws: TrackerURLError.host(host)) { try TrackerURL("http://\(host)/announce") }
    }

    @Test func aURLAboveTheLimitIsRefused() throws {
        let longest = "http://a/" + String(repeating: "x", count: TrackerLimits.urlBytes - 9)
        #expect(try TrackerURL(longest).target.utf8.count == TrackerLimits.urlBytes - 8)
        #expect(throws: TrackerURLError.tooLong(limitBytes: 2048)) { try TrackerURL(longest + "x") }
    }

    @Test(arguments: [
        ("https://user:secret@host/announce", "https://host/announce"),
        ("http://host/0123456789abcdef/announce", "http://host/…"),
        ("http://host/announce?passkey=abc", "http://host/…"),
        ("udp://[::1]:1/announce", "udp://[::1]:1/announce"), ("http://host:80", "http://host"),
    ])
    func neitherCredentialsNorPasskeysAreShown(text: String, shown: String) throws {
        #expect(try "\(TrackerURL(text))" == shown)
    }

    @Test func anAddressNeedsNoResolver() throws {
        #expect(try TrackerURL("udp://1.2.3.4:5").endpoint == Endpoint("1.2.3.4:5"))
        #expect(try TrackerURL("http://[2001:db8::1]/").endpoint == Endpoint("[2001:db8::1]:80"))
        #expect(try TrackerURL("http://a/").endpoint == nil)
    }
}
