import Bencode
import Primitives
import Testing
import TrackerProtocol

/// The bodies that HTTP trackers send, as sloppy as they are.
@Suite struct HTTPReplyTests {
    @Test func bep23CompactPeers() throws {
        let body = Array("d8:intervali1800e5:peers12:".utf8) + bytes("01020304 0005 07070707 0100") + Array("e".utf8)
        let reply = try announceReply(body)
        #expect(reply.peers == [.v4(1, 2, 3, 4, port: 5), .v4(7, 7, 7, 7, port: 256)])
        #expect(reply.interval == .seconds(1800) && reply.minInterval == nil && reply.droppedPeers == 0)
    }

    @Test func bep7Peers6() throws {
        let body =
            Array("d5:peers".utf8) + string(compact(peers(2))) + Array("6:peers6".utf8)
            + string(compact(peers(3, family: .v6))) + Array("e".utf8)
        #expect(try announceReply(body).peers == peers(2) + peers(3, family: .v6))
    }

    @Test func bep3DictionaryPeers() throws {
        let reply = try announceReply(
            """
            d5:peersld2:ip7:1.2.3.47:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti5eed2:ip11:2001:db8::14:porti6eed\
            2:ip9:localhost4:porti7eed4:porti8eed2:ip7:1.2.3.44:porti0eed2:ip7:1.2.3.44:porti65536eee3:abci1ee
            """)
        #expect(reply.peers == [.v4(1, 2, 3, 4, port: 5), Endpoint("[2001:db8::1]:6")])
        #expect(reply.droppedPeers == 4)
    }

    @Test func bep3EveryEntry() throws {
        let reply = try announceReply(
            """
            d8:completei3e10:incompletei4e8:intervali900e12:min intervali60e5:peers0:\
            10:tracker id3:a\u{0}b15:warning message2:hme
            """)
        #expect(reply.seeders == 3 && reply.leechers == 4)
        #expect(reply.interval == .seconds(900) && reply.minInterval == .seconds(60))
        #expect(reply.trackerID == [0x61, 0, 0x62] && reply.warning == "hm" && reply.peers.isEmpty)
    }

    @Test func bep24ExternalIP() throws {
        #expect(try announceReply("d11:external ip4:\u{1}\u{2}\u{3}\u{4}e").externalAddress == .v4(1, 2, 3, 4, port: 0))
        let v6 = Array("d11:external ip16:".utf8) + bytes("20010db8000000000000000000000001") + Array("e".utf8)
        #expect(try announceReply(v6).externalAddress == Endpoint("[2001:db8::1]:0"))
        let mapped = Array("d11:external ip16:".utf8) + bytes("00000000000000000000ffff01020304") + Array("e".utf8)
        #expect(try announceReply(mapped).externalAddress == .v4(1, 2, 3, 4, port: 0))
        #expect(try announceReply("d11:external ip7:1.2.3.4e").externalAddress == nil)
    }

    @Test(arguments: [
        ("d14:failure reason4:nopee", TrackerFailure.RetryAdvice.none),
        ("d14:failure reason4:nope8:retry in1:5e", .after(.seconds(300))),
        ("d14:failure reason4:nope8:retry ini5ee", .after(.seconds(300))),
        ("d14:failure reason4:nope8:retry in5:nevere", .never),
        ("d8:retry in5:never14:failure reason4:nopee", .never),
        ("d14:failure reason4:nope8:retry in5:NEVERe", .none), ("d14:failure reason4:nope8:retry ini0ee", .none),
        ("d14:failure reason4:nope8:retry ini-5ee", .none), ("d14:failure reason4:nope8:retry inlee", .none),
        ("d14:failure reason4:nope8:retry ini9223372036854775807ee", .after(.seconds(525_600 * 60))),
        ("d5:peers6:aaaaaa14:failure reason4:nopee", .none),
    ])
    func bep31AFailureMaySayWhenToComeBack(text: String, advice: TrackerFailure.RetryAdvice) {
        #expect(throws: TrackerFailure.refused("nope", retry: advice)) { try announceReply(text) }
    }

    @Test func theBodyCountsBeforeTheStatus() throws {
        let refused = TrackerFailure.refused("no", retry: .none)
        #expect(throws: refused) { try announceReply("d14:failure reason2:noe", status: 403) }
        #expect(throws: TrackerFailure.status(404)) { try announceReply("<html>", status: 404) }
        #expect(throws: TrackerFailure.status(503)) { try announceReply("", status: 503) }
        #expect(throws: TrackerFailure.status(302)) { try announceReply("de", status: 302) }
        #expect(throws: TrackerFailure.malformed(.unexpectedByte(at: 0))) { try announceReply("<html>") }
        #expect(throws: TrackerFailure.malformed(.truncated)) { try announceReply("") }
        #expect(throws: TrackerFailure.malformed(.truncated)) { try announceReply("d5:peers12:abc") }
    }

    @Test(arguments: [
        "de", "d5:peers0:e", "d5:peersi1ee", "d5:peersdee", "d5:peersl0:leee", "d6:peers6lee", "d5:peers5:abcdee",
        "d8:intervali0ee", "d8:intervali-1ee", "d8:interval2:12e", "d8:completei-1ee", "d10:tracker id0:e",
        "d10:tracker idi1ee", "d11:external ip5:abcdee", "d15:warning messagelee", "de\r\n",
    ])
    func oddEntriesCountAsAbsent(text: String) throws {
        let reply = try announceReply(text)
        #expect(reply.peers.isEmpty && reply.interval == nil && reply.seeders == nil && reply.trackerID == nil)
        #expect(reply.externalAddress == nil && reply.warning == nil)
    }

    @Test func failuresHaveWords() {
        #expect("\(TrackerFailure.refused("full", retry: .never))" == "refused: full")
        #expect("\(TrackerFailure.status(404))" == "HTTP status 404")
        #expect("\(TrackerFailure.unreachable("no such host"))" == "no such host")
        #expect("\(TrackerFailure.tooLarge)" == "the reply is longer than 1024 KiB")
        #expect([TrackerFailure.timedOut, .noAddress].allSatisfy { !"\($0)".isEmpty })
    }

    @Test func peersWithPort0AreDroppedAndMappedOnesUnmapped() throws {
        let mapped = Endpoint.v6(EndpointV6(high: 0, low: 0xFFFF_0102_0304, port: 9))
        let body =
            Array("d5:peers".utf8) + string(compact([.v4(1, 2, 3, 4, port: 0)])) + Array("6:peers6".utf8)
            + string(compact([mapped])) + Array("e".utf8)
        let reply = try announceReply(body)
        #expect(reply.peers == [.v4(1, 2, 3, 4, port: 9)] && reply.droppedPeers == 1)
    }

    @Test func peersBeyondTheLimitAreDroppedAndCounted() throws {
        let body =
            Array("d5:peers".utf8) + string(compact(peers(2001))) + Array("6:peers6".utf8)
            + string(compact(peers(2, family: .v6))) + Array("e".utf8)
        let reply = try announceReply(body)
        #expect(reply.peers == peers(TrackerLimits.peers) && reply.droppedPeers == 3)
        let list = peers(2001).map { "d2:ip\($0.hostText.utf8.count):\($0.hostText)4:porti\($0.port)ee" }.joined()
        let fromList = try announceReply("d5:peersl\(list)ee")
        #expect(fromList.peers == peers(TrackerLimits.peers) && fromList.droppedPeers == 1)
    }

    @Test func moreTokensThanAReplyCanHonestlyHaveAreRefused() {
        let many = "d1:al" + String(repeating: "i1e", count: 100_001) + "ee"
        #expect(throws: TrackerFailure.malformed(.tooManyTokens(at: 299_996))) { try announceReply(many) }
        let deep = "d1:a" + String(repeating: "l", count: 16) + String(repeating: "e", count: 17)
        #expect(throws: TrackerFailure.malformed(.tooDeep(at: 19))) { try announceReply(deep) }
    }

    @Test func textsAreCutAtACharacterAndLongTrackerIDsIgnored() throws {
        let long = String(repeating: "é", count: 127) + "a" + String(repeating: "é", count: 10)
        let reply = try announceReply("d15:warning message\(long.utf8.count):\(long)e")
        #expect(reply.warning == String(repeating: "é", count: 127) + "a")
        let broken = Array("d15:warning message300:".utf8) + Array(repeating: 0xFF, count: 300) + Array("e".utf8)
        #expect(try announceReply(broken).warning == String(repeating: "\u{FFFD}", count: 85))
        let id = { (count: Int) in "d10:tracker id\(count):" + String(repeating: "x", count: count) + "e" }
        #expect(try announceReply(id(256)).trackerID?.count == 256)
        #expect(try announceReply(id(257)).trackerID == nil)
    }
}

/// BEP 48.
@Suite struct ScrapeReplyTests {
    private func reply(_ text: String, status: Int = 200) throws -> ScrapeReply {
        let bytes = Array(text.utf8)
        let asked = ["x", "y", "z"].compactMap { InfoHash(Array(String(repeating: $0, count: 20).utf8)) }
        return try ScrapeReply(http: bytes.span.bytes, of: asked, status: status)
    }

    private func name(_ letter: Character) -> String { "20:" + String(repeating: letter, count: 20) }

    @Test func theExampleOfTheBEP() throws {
        let text = """
            d5:filesd\(name("x"))d8:completei11e10:downloadedi13772e10:incompletei19ee\
            \(name("y"))d8:completei21e10:downloadedi206e10:incompletei20eeee
            """
        let files = try reply(text).files
        #expect(files.map(\.infoHash.bytes) == ["x", "y"].map { Array(String(repeating: $0, count: 20).utf8) })
        let counts = [
            SwarmCounts(seeders: 11, completed: 13772, leechers: 19),
            SwarmCounts(seeders: 21, completed: 206, leechers: 20),
        ]
        #expect(files.map(\.counts) == counts)
    }

    @Test(arguments: ["de", "d5:filesdee", "d5:filesi1ee", "d5:filesd3:abcdeee", "d5:flagsd1:ai1ee5:filesdee"])
    func oddRepliesHoldNoFiles(text: String) throws {
        #expect(try reply(text).files.isEmpty)
    }

    @Test func missingAndNegativeCountsAreZeroAndOtherValuesNoFile() throws {
        let text = "d5:filesd\(name("x"))d8:completei-1ee\(name("y"))i1e\(name("z"))d10:downloadedi2eeee"
        let counts = try reply(text).files.map(\.counts)
        #expect(counts == [0, 2].map { SwarmCounts(seeders: 0, completed: $0, leechers: 0) })
    }

    @Test func failuresAreThoseOfAnnounces() {
        #expect(throws: TrackerFailure.refused("no", retry: .never)) {
            try reply("d14:failure reason2:no8:retry in5:nevere")
        }
        #expect(throws: TrackerFailure.status(404)) { try reply("", status: 404) }
        #expect(throws: TrackerFailure.malformed(.truncated)) { try reply("d5:files") }
    }

    @Test func onlyWhatWasAskedForIsTaken() throws {
        let others = "abcdefghij".map { name($0) + "d8:completei9ee" }.joined()
        let files = try reply("d5:filesd\(others)\(name("x"))d8:completei4eeee").files
        #expect(files.map(\.counts.seeders) == [4])
        let many = (0..<100).map { _ in name("x") + "de" }.joined()
        #expect(try reply("d5:filesd\(many)ee").files.count == 3)
    }
}
