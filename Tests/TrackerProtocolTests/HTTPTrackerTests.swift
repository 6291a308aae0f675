import Primitives
import Testing
import TrackerProtocol

/// The URLs of HTTP announces and scrapes.
@Suite struct HTTPTrackerTests {
    private static let hash = "%124Vx%9A%BC%DE%F1%23Eg%89%AB%CD%EF%124Vx%9A"
    private static let id = "-MN0100-~._-abc%20%2B%26%3D%25"
    private static let beginning =
        "info_hash=\(hash)&peer_id=\(id)&port=6881&uploaded=0&downloaded=0&left=16384&compact=1&no_peer_id=1"

    private func announceURL(
        _ tracker: String, ipv6: EndpointV6? = nil, _ change: (inout AnnounceRequest) -> Void = { _ in }
    ) throws -> String {
        HTTPTracker.announceURL(try TrackerURL(tracker), announceRequest(change), ipv6: ipv6)
    }

    @Test func bep3AnAnnounceIsAQuery() throws {
        #expect(try announceURL("http://a/announce") == "http://a/announce?\(Self.beginning)&key=000000ab")
    }

    @Test func bep3EveryFieldIsSaid() throws {
        let url = try announceURL("https://u:p@a:8443/x") {
            $0.uploaded = 1
            $0.downloaded = .max
            $0.left = 0
            $0.event = .completed
            $0.peersWanted = 50
            $0.trackerID = [0, UInt8(ascii: "a"), 0xFF]
        }
        #expect(url.hasPrefix("https://u:p@a:8443/x?info_hash="))
        #expect(url.contains("&uploaded=1&downloaded=9223372036854775807&left=0&compact=1"))
        #expect(url.hasSuffix("&event=completed&numwant=50&key=000000ab&trackerid=%00a%FF"))
    }

    @Test(arguments: [
        (AnnounceEvent.started, "&event=started"), (.stopped, "&event=stopped"), (.completed, "&event=completed"),
    ])
    func bep3Events(event: AnnounceEvent, text: String) throws {
        #expect(try announceURL("http://a/announce") { $0.event = event }.contains(text))
        #expect(try !announceURL("http://a/announce") { $0.event = .none }.contains("event"))
    }

    @Test(arguments: [
        ("http://a/announce?passkey=x%20y", "http://a/announce?passkey=x%20y&"), ("http://a/?", "http://a/?"),
        ("http://a/?k=1&", "http://a/?k=1&"), ("http://a", "http://a/?"), ("http://a?k=1", "http://a/?k=1&"),
        ("http://a/b#c", "http://a/b?"), ("http://[::1]:81/b", "http://[::1]:81/b?"),
    ])
    func theTrackersOwnQueryIsKept(tracker: String, beginning: String) throws {
        #expect(try announceURL(tracker).hasPrefix(beginning + "info_hash="))
    }

    @Test func bep7ASecondAddressMayBeNamed() throws {
        let ipv6 = EndpointV6(high: 0x2001_0db8_0000_0000, low: 1, port: 6881)
        #expect(try announceURL("http://a/", ipv6: ipv6).hasSuffix("&ipv6=%5B2001%3Adb8%3A%3A1%5D%3A6881"))
    }

    @Test(arguments: [
        ("http://a/announce", "http://a/scrape?"), ("http://a/x/announce", "http://a/x/scrape?"),
        ("http://a/announce.php", "http://a/scrape.php?"), ("http://a/announce?x2%0644", "http://a/scrape?x2%0644&"),
        ("http://a/announce/announcement", "http://a/announce/scrapement?"),
    ])
    func bep48TheScrapeURLIsMadeOfTheAnnounceURL(announce: String, scrape: String) throws {
        let url = HTTPTracker.scrapeURL(try TrackerURL(announce), [torrentHash, torrentHash])
        #expect(url == scrape + "info_hash=\(Self.hash)&info_hash=\(Self.hash)")
    }

    @Test(arguments: [
        "http://a/", "http://a", "http://a/x", "http://a/x/announce/y", "http://a/?announce", "http://a/xannounce",
        "http://a?/announce", "udp://a:1/announce",
    ])
    func bep48OtherTrackersHaveNoScrapeURL(tracker: String) throws {
        #expect(HTTPTracker.scrapeURL(try TrackerURL(tracker), [torrentHash]) == nil)
    }

    @Test func aScrapeNamesNoMoreThanTheLimit() throws {
        let many = Array(repeating: torrentHash, count: 100)
        let url = try #require(HTTPTracker.scrapeURL(try TrackerURL("http://a/announce"), many))
        #expect(url.split(separator: "&").count == TrackerLimits.scrapedTorrents)
    }
}
