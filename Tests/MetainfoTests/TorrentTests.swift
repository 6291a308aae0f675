import Bencode
import Digest
import Metainfo
import Primitives
import Testing

@Suite struct TorrentTests {
    @Test func encodingRoundTrips() throws {
        let info = try InfoBuilder(name: "a", length: 0).info(pieceHashes: [])
        let node = try #require(PeerAddress("example.org:6881"))
        for trackers in [[], [["http://a"]], [["http://a", "udp://b"], ["http://c"]]] {
            let torrent = Torrent(info: info, trackers: trackers, nodes: [node])
            #expect(try Torrent(bytes: torrent.encoded()) == torrent)
        }
    }

    @Test func theInfoDictionaryIsTakenAsItIs() throws {
        // Keys out of order: decoding and encoding would change the infohash.
        let dictionary = "d4:name1:a6:lengthi0e12:piece lengthi4e6:pieces0:e"
        let torrent = try Torrent(text: "d4:info\(dictionary)e\n")
        #expect(torrent.info.infoHash == SHA1.hash(Array(dictionary.utf8)))
        #expect(try Torrent(bytes: torrent.encoded()).info == torrent.info)
    }

    @Test func hintsThatMakeNoSenseArePassedOver() throws {
        let info = "4:infod6:lengthi0e4:name1:a12:piece lengthi4e6:pieces0:e"
        let torrent = try Torrent(
            text: """
                d8:announcei1e13:announce-listl2:noli1e0:ee\(info)\
                5:nodesli1el4:hosti0eel4:hosti65536eel0:i1eeli1e4:hostel1:hi7eee8:url-listlee
                """)
        #expect(torrent.trackers == [["no"]])
        #expect(torrent.nodes.map(\.description) == ["h:7"])
    }

    @Test func theListOfTiersReplacesTheSingleTracker() throws {
        #expect(try Self.torrent("8:announce8:http://x").trackers == [["http://x"]])
        #expect(
            try Self.torrent("8:announce8:http://x13:announce-listll8:http://y1:zel1:wee").trackers
                == [["http://y", "z"], ["w"]])
    }

    private static func torrent(_ fields: String, _ more: String = "") throws -> Torrent {
        try Torrent(text: "d\(fields)4:infod6:lengthi0e4:name1:a12:piece lengthi4e6:pieces0:e\(more)e")
    }

    @Test(arguments: [
        "8:announcel8:http://xe", "13:announce-listl8:http://xe", "13:announce-list8:http://x",
        "8:announce8:http://x13:announce-listll7:dht://aee", "8:announce10: http://x\n13:announce-listi1e",
        "13:announce-listll8:http://x8:http://xel8:http://xee", "1:ai99999999999999999999e8:announce8:http://x",
    ])
    func aTrackerIsReadInEveryShape(fields: String) throws {
        #expect(try Self.torrent(fields).trackers.joined().filter { $0 != "dht://a" } == ["http://x"])
    }

    @Test(arguments: ["8:url-list8:http://w", "8:url-listl8:http://wi1e0:e"])
    func webSeedsAreKept(fields: String) throws {
        let torrent = try Self.torrent("", fields)
        #expect(torrent.webSeeds == ["http://w"])
        #expect(try Torrent(bytes: torrent.encoded()) == torrent)
    }

    @Test func trackersBeyondTheLimitAreDropped() throws {
        let tiers = (0..<300).map { "l3:\($0 + 100)e" }.joined()
        let nodes = String(repeating: "l1:hi7ee", count: 300)
        let torrent = try Self.torrent("13:announce-listl\(tiers)e", "5:nodesl\(nodes)e")
        #expect(torrent.trackers.count == 256)
        #expect(torrent.nodes.count == 256)
    }

    @Test(arguments: [
        ([], OtherFileKind.empty), ([0x1F, 0x8B, 8, 0], .gzip), (Array("PK\u{3}\u{4}x".utf8), .zip),
        (Array("\n<!DOCTYPE html>".utf8), .webPage), (Array("<html>".utf8), .webPage),
        ([0xFF, 0xFE, 0x64, 0], .utf16), ([0x64, 0, 0x38, 0], .utf16), ([0xEF, 0xBB, 0xBF, 0x64], .byteOrderMark),
        (Array("magnet:?xt=urn:btih:a".utf8), .magnet),
    ])
    func anotherKindOfFileIsNamed(bytes: [UInt8], kind: OtherFileKind) {
        #expect(throws: MetainfoError.otherFile(kind)) { try Torrent(bytes: bytes) }
    }

    @Test(arguments: [
        ("de", MetainfoError.missing(.info)), ("d4:infoi1ee", .wrongType(.info)), ("i1e", .wrongType(.info)),
        ("d4:info", .malformed(.truncated)), ("d4:infode4:infodee", .repeated(.info)),
    ])
    func aFileWithoutItsDictionaryIsRefused(text: String, error: MetainfoError) {
        #expect(throws: error) { try Torrent(text: text) }
    }
}

@Suite struct InfoBuilderTests {
    @Test func piecesHashedInChunksOfAnySizeAreThoseOfTheWhole() {
        let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
        let expected = stride(from: 0, to: 1_000, by: 300).map { SHA1.hash(Array(bytes[$0..<min($0 + 300, 1_000)])) }
        for chunk in [1, 7, 299, 300, 301, 1_000] {
            var hasher = PieceHasher(pieceLength: 300)
            for start in stride(from: 0, to: 1_000, by: chunk) {
                hasher.update(Array(bytes[start..<min(start + chunk, 1_000)]).span.bytes)
            }
            #expect(hasher.finish() == expected)
        }
    }

    @Test(arguments: [
        (0, 16 << 10), (31 << 20, 16 << 10), (32 << 20, 32 << 10), (1 << 30, 1 << 20), (1 << 45, 16 << 20),
        (Int.max, 16 << 20),
    ])
    func thePieceLengthFitsTheSize(total: Int, pieceLength: Int) {
        #expect(InfoBuilder(name: "a", length: total).pieceLength == pieceLength)
    }

    @Test func nonsenseIsRefusedAsItWouldBeFromTheNetwork() {
        #expect(throws: MetainfoError.negativeLength(file: 0)) {
            try InfoBuilder(name: "a", length: -1).info(pieceHashes: [])
        }
        #expect(throws: MetainfoError.noFiles) { try InfoBuilder(name: "a", files: []).info(pieceHashes: []) }
        #expect(throws: MetainfoError.wrongPieceCount(expected: 1, found: 0)) {
            try InfoBuilder(name: "a", length: 1).info(pieceHashes: [])
        }
        #expect(throws: MetainfoError.totalTooLarge) {
            try InfoBuilder(name: "a", files: [(["b"], .max), (["c"], .max)]).info(pieceHashes: [])
        }
    }

    @Test func aPrivateTorrentIsAnotherTorrent() throws {
        var builder = InfoBuilder(name: "a", length: 0)
        let open = try builder.info(pieceHashes: [])
        builder.isPrivate = true
        let closed = try builder.info(pieceHashes: [])
        #expect(closed.isPrivate && !open.isPrivate && closed != open)
    }
}

extension Torrent {
    init(text: String) throws(MetainfoError) {
        try self.init(bytes: Array(text.utf8))
    }
}
