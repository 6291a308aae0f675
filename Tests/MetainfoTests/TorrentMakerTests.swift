import Bencode
import Digest
import Metainfo
import Primitives
import Testing

@Suite struct TorrentMakerTests {
    private let builder = InfoBuilder(
        name: "n", files: [(path: ["a"], length: 20_000), (path: ["d", "ü"], length: 0)], pieceLength: 16 << 10)

    @Test func theDraftHasTheLayoutOfTheTorrent() throws {
        let draft = try TorrentMaker(builder).draft()
        #expect(draft.pieceCount == 2 && draft.length(ofPiece: 1) == 20_000 - (16 << 10))
        #expect(draft.files.map(\.path) == [["a"], ["d", "ü"]])
        #expect(draft.hash(ofPiece: 0) == .zero)
    }

    @Test(arguments: [(0, 0), (1, 1), (16_384, 1), (16_385, 2)])
    func piecesAreCounted(length: Int, count: Int) throws {
        let builder = InfoBuilder(name: "n", length: length, pieceLength: 16 << 10)
        #expect(try builder.draft().pieceCount == count)
    }

    @Test func aFileThatNeedsTooManyHashesIsRefused() {
        #expect(throws: MetainfoError.self) { try InfoBuilder(name: "n", length: .max).draft() }
        #expect(throws: MetainfoError.self) { try InfoBuilder(name: "n", length: 1 << 40, pieceLength: 1).draft() }
    }

    @Test func whatIsWrittenIsCanonicalAndComplete() throws {
        var maker = TorrentMaker(InfoBuilder(name: "n", length: 1, pieceLength: 16 << 10))
        maker.builder.isPrivate = true
        maker.builder.source = "S"
        maker.trackers = ["udp://a:1", "http://b/"]
        maker.comment = "é"
        maker.creationDate = 5
        let hash = SHA1.hash([7])
        let bytes = try maker.torrent(pieceHashes: [hash]).encoded()
        let head =
            "d8:announce9:udp://a:113:announce-listll9:udp://a:1el9:http://b/ee7:comment2:é13:creation datei5e"
            + "4:infod6:lengthi1e4:name1:n12:piece lengthi16384e6:pieces20:"
        #expect(bytes == Array(head.utf8) + hash.bytes + Array("7:privatei1e6:source1:See".utf8))

        let read = try Torrent(bytes: bytes)
        #expect(read.comment == "é" && read.creationDate == 5 && read.info.isPrivate)
        #expect(read.encoded() == bytes)
    }

    @Test func theLinkHasNameAndTrackers() throws {
        var maker = TorrentMaker(InfoBuilder(name: "a b", length: 0))
        maker.trackers = ["udp://a:1"]
        let torrent = try maker.torrent(pieceHashes: [])
        #expect(torrent.magnet.text == "magnet:?xt=urn:btih:\(torrent.info.infoHash.hex)&dn=a%20b&tr=udp%3A%2F%2Fa%3A1")
    }

    /// Total sizes and piece lengths, in KiB.
    private static let sizes: [(Int, Int)] = [
        (0, 16), (1, 16), (31_999, 16), (32_000, 32), (1_048_576, 1_024), (4_194_304, 4_096),
        (1_073_741_824, 16_384), (1_099_511_627_776, 16_384),
    ]

    /// The rule that `create --help` tells: the least power of two from 16 KiB to 16 MiB for fewer than 2,000 pieces.
    @Test(arguments: sizes)
    func thePieceLengthFollowsTheSize(size: Int, pieceLength: Int) {
        #expect(InfoBuilder.suggestedPieceLength(totalLength: size << 10) == pieceLength << 10)
    }
}
