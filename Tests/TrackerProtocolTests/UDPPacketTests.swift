import Primitives
import Testing
import TrackerProtocol

/// The packets of BEP 15, byte by byte.
@Suite struct UDPPacketTests {
    private let hashBytes = "123456789abcdef1 23456789abcdef12 3456789a"
    private let idBytes = "2d4d4e303130302d 7e2e5f2d616263 202b263d25"

    private func decode(_ bytes: [UInt8]) -> UDPTrackerRequest? {
        UDPTrackerRequest.decode(bytes.span.bytes)?.request
    }

    private func decoded(_ hex: String, family: Endpoint.Family = .v4) -> UDPTrackerReply? {
        decoded(packet: bytes(hex), family: family)
    }

    private func decoded(packet: [UInt8], family: Endpoint.Family) -> UDPTrackerReply? {
        UDPTrackerReply(packet.span.bytes, family: family)
    }

    @Test func connectRequest() {
        let packet = UDPTrackerRequest.connect.encoded(transaction: 0xDEAD_BEEF)
        #expect(packet == bytes("00000417 27101980 00000000 deadbeef"))
        #expect(decode(packet) == .connect)
        #expect(decode(bytes("00000417 27101981 00000000 deadbeef")) == nil)
    }

    @Test func announceRequestHas98Bytes() {
        let request = announceRequest {
            $0.downloaded = 1
            $0.left = 2
            $0.uploaded = 3
            $0.event = .started
        }
        let whole = UDPTrackerRequest.announce(connection: 0x0102_0304_0506_0708, request, urlData: [])
        let packet = whole.encoded(transaction: 9)
        let expected = """
            0102030405060708 00000001 00000009 \(hashBytes) \(idBytes) 0000000000000001 0000000000000002
            0000000000000003 00000002 00000000 000000ab ffffffff 1ae1
            """
        #expect(packet == bytes(expected) && packet.count == 98)
        #expect(decode(packet) == whole)
    }

    @Test(arguments: [
        (Int?.none, "ffffffff"), (0, "00000000"), (200, "000000c8"), (-7, "00000000"), (.max, "7fffffff"),
    ])
    func numWantIsMinusOneByDefault(peersWanted: Int?, hex: String) {
        let request = announceRequest { $0.peersWanted = peersWanted }
        let packet = UDPTrackerRequest.announce(connection: 0, request, urlData: []).encoded(transaction: 0)
        #expect(Array(packet[92..<96]) == bytes(hex))
    }

    @Test func scrapeRequestIsCutAtItsLimit() {
        let packet = UDPTrackerRequest.scrape(connection: 1, [torrentHash]).encoded(transaction: 2)
        #expect(packet == bytes("0000000000000001 00000002 00000002 \(hashBytes)"))
        #expect(decode(packet) == .scrape(connection: 1, [torrentHash]))
        let many = Array(repeating: torrentHash, count: 100)
        let long = UDPTrackerRequest.scrape(connection: 1, many).encoded(transaction: 2)
        #expect(long.count == 16 + 20 * TrackerLimits.scrapedTorrents)
    }

    @Test func connectReply() {
        let expected = UDPTrackerReply(transaction: 7, body: .connect(0x0102_0304_0506_0708))
        #expect(decoded("00000000 00000007 0102030405060708") == expected)
        #expect(decoded("00000000 00000007 0102030405060708 ffff") == expected)
        #expect(decoded("00000000 00000007 01020304050607") == nil)
        #expect(expected.encoded() == bytes("00000000 00000007 0102030405060708"))
    }

    @Test func announceReplyOfIPv4Has6BytePeers() throws {
        let hex = "00000001 00000007 00000708 00000002 00000003 01020304 1ae1 05060708 0001"
        let reply = try #require(decoded(hex))
        guard case .announce(let announce) = reply.body else { throw TrackerFailure.timedOut }
        #expect(announce.interval == .seconds(1800) && announce.leechers == 2 && announce.seeders == 3)
        #expect(announce.peers == [.v4(1, 2, 3, 4, port: 6881), .v4(5, 6, 7, 8, port: 1)])
        #expect(reply.encoded() == bytes(hex))
    }

    @Test func announceReplyOfIPv6Has18BytePeers() throws {
        let head = "00000001 00000007 00000000 00000002 00000003"
        let reply = try #require(decoded("\(head) 20010db8000000000000000000000001 1ae1 ffff", family: .v6))
        guard case .announce(let announce) = reply.body else { throw TrackerFailure.timedOut }
        #expect(announce.interval == nil)
        #expect(announce.peers == [Endpoint("[2001:db8::1]:6881")])
    }

    @Test func scrapeAndErrorReplies() {
        let counts = [
            SwarmCounts(seeders: 1, completed: 2, leechers: 3), SwarmCounts(seeders: 4, completed: 5, leechers: 6),
        ]
        let hex = "00000002 00000007 00000001 00000002 00000003 00000004 00000005 00000006"
        let scrape = UDPTrackerReply(transaction: 7, body: .scrape(counts))
        #expect(decoded(hex) == scrape && scrape.encoded() == bytes(hex))
        let error = UDPTrackerReply(transaction: 7, body: .error("no"))
        #expect(decoded("00000003 00000007 6e6f") == error && error.encoded() == bytes("00000003 00000007 6e6f"))
        #expect(decoded("00000003 00000007") == UDPTrackerReply(transaction: 7, body: .error("")))
    }

    @Test(arguments: [
        "", "00000003 000000", "00000004 00000007 00000000", "64313a61", "00000001 00000007 00000708 00000002",
    ])
    func otherPacketsAreNoReplies(hex: String) {
        #expect(decoded(hex) == nil)
    }

    @Test func theTransactionIsFoundWithoutDecoding() {
        let transaction = { (hex: String) in
            let bytes = bytes(hex)
            return UDPTrackerReply.transaction(of: bytes.span.bytes)
        }
        #expect(transaction("00000001 deadbeef") == 0xDEAD_BEEF)
        #expect(transaction("00000004 deadbeef") == nil && transaction("00000001") == nil)
    }

    @Test func peersBeyondTheLimitAndWithPort0AreDropped() throws {
        let packet = bytes("00000001 00000007 00000708 00000002 00000003") + [1, 2, 3, 4, 0, 0] + compact(peers(2500))
        let reply = try #require(decoded(packet: packet, family: .v4))
        guard case .announce(let announce) = reply.body else { throw TrackerFailure.timedOut }
        #expect(announce.peers == peers(TrackerLimits.peers) && announce.droppedPeers == 501)
    }
}

/// The options behind an announce (BEP 41).
@Suite struct URLDataTests {
    private func packet(urlData: String) -> [UInt8] {
        UDPTrackerRequest.announce(connection: 0, announceRequest(), urlData: Array(urlData.utf8))
            .encoded(transaction: 0)
    }

    private func urlData(after options: [UInt8]) -> String? {
        let packet = packet(urlData: "") + options
        guard case .announce(_, _, let data)? = UDPTrackerRequest.decode(packet.span.bytes)?.request else { return nil }
        return String(decoding: data, as: UTF8.self)
    }

    @Test func theExamplesOfTheBEP() {
        let option: [UInt8] = [0x2, 0xC] + Array("/dir?a=b&c=d".utf8)
        #expect(packet(urlData: "/dir?a=b&c=d").dropFirst(98) == option[...])
        #expect(urlData(after: option) == "/dir?a=b&c=d")
        #expect(urlData(after: option + [1, 1, 0]) == "/dir?a=b&c=d")
        #expect(urlData(after: [2, 0]) == "")
        #expect(packet(urlData: "").count == 98)
    }

    @Test(arguments: [254, 255, 256, 510, 511, 2000])
    func longDataIsSplit(count: Int) {
        let data = "/" + String(repeating: "x", count: count - 1)
        let packet = packet(urlData: data)
        #expect(packet.count == 98 + count + 2 * ((count + 254) / 255))
        #expect(urlData(after: Array(packet.dropFirst(98))) == data)
    }

    @Test func unknownOptionsArePassedOverAndEndsRespected() {
        #expect(urlData(after: [9, 2, 1, 1, 2, 1, 0x61, 2, 1, 0x62]) == "ab")
        #expect(urlData(after: [2, 1, 0x61, 0, 2, 1, 0x62]) == "a")
        #expect(urlData(after: [2, 1, 0x61, 2]) == "a")
        #expect(urlData(after: [2, 1, 0x61, 2, 2, 0x62]) == "a")
        let part: [UInt8] = [2, 255] + Array(repeating: 0x61, count: 255)
        let flood = Array(repeating: part, count: 20).flatMap { $0 }
        #expect(urlData(after: flood)?.utf8.count == 2040)
    }
}
