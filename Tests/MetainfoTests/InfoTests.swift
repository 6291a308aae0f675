import Bencode
import Metainfo
import Primitives
import Testing

@Suite struct InfoTests {
    static let pieces = "20:aaaaaaaaaaaaaaaaaaaa"

    @Test func readsASingleFile() throws {
        let info = try Info(text: "d6:lengthi5e4:name5:a.txt12:piece lengthi16384e6:pieces\(Self.pieces)e")
        // printf '%s' 'd6:length…e' | sha1sum
        #expect(info.infoHash.hex == "7faf75b2447f88700c68f1eceda713cd90a0127a")
        #expect(info.name == "a.txt")
        #expect(info.isSingleFile)
        #expect(info.files.map(\.path) == [["a.txt"]])
        #expect(info.files.map(\.length) == [5])
        #expect(info.pieceLength == 16_384)
        #expect(info.totalLength == 5)
        #expect(info.pieceCount == 1)
        #expect(info.length(ofPiece: 0) == 5)
        #expect(info.hash(ofPiece: 0) == ID160(Array(repeating: UInt8(ascii: "a"), count: 20)))
        #expect(!info.isPrivate)
    }

    @Test func readsFilesInTheirOrder() throws {
        let info = try Info(
            text: """
                d5:filesld6:lengthi3e4:pathl1:a1:beed4:pathl1:ce6:lengthi0eed6:lengthi4e4:pathl1:deee\
                4:name1:n12:piece lengthi4e6:pieces40:aaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbb7:privatei1ee
                """)
        #expect(!info.isSingleFile)
        #expect(info.isPrivate)
        #expect(info.files.map(\.path) == [["a", "b"], ["c"], ["d"]])
        #expect(info.files.map(\.length) == [3, 0, 4])
        #expect(info.files.map(\.offset) == [0, 3, 3])
        #expect(info.length(ofPiece: 1) == 3)
        #expect(info.spans(piece: 0, offset: 0, length: 4) == [FileSpan(0, 0, 3), FileSpan(2, 0, 1)])
        #expect(info.spans(piece: 0, offset: 1, length: 2) == [FileSpan(0, 1, 2)])
        #expect(info.spans(piece: 0, offset: 3, length: 1) == [FileSpan(2, 0, 1)])
        #expect(info.spans(piece: 1, offset: 0, length: 3) == [FileSpan(2, 1, 3)])
        #expect(info.spans(piece: 1, offset: 3, length: 0) == [])
        #expect(info.pieces(ofFile: 0) == 0..<1)
        #expect(info.pieces(ofFile: 1).isEmpty)
        #expect(info.pieces(ofFile: 2) == 0..<2)
    }

    @Test func spansCoverEveryPieceOfARandomLayout() throws {
        var generator = SeededGenerator(number: 7)
        for _ in 0..<50 {
            let files = (0..<40).map { (path: ["\($0)"], length: Int.random(in: 0...3, using: &generator) * 7) }
            let total = files.reduce(0) { $0 + $1.length }
            let builder = InfoBuilder(name: "n", files: files, pieceLength: Int.random(in: 1...60, using: &generator))
            let count = (total + builder.pieceLength - 1) / builder.pieceLength
            let info = try builder.info(pieceHashes: Array(repeating: .zero, count: count))
            var position = 0
            for piece in 0..<info.pieceCount {
                for span in info.spans(piece: piece, offset: 0, length: info.length(ofPiece: piece)) {
                    #expect(info.files[span.file].offset + span.offset == position && span.length > 0)
                    #expect(info.pieces(ofFile: span.file).contains(piece))
                    position += span.length
                }
            }
            #expect(position == total)
        }
    }

    @Test func namesThatAreNotUTF8AreRepairedUnlessAnotherKeySaysThemBetter() throws {
        let rest = Array("12:piece lengthi4e6:pieces0:e".utf8)
        let repaired = try Info(bytes: Array("d6:lengthi0e4:name3:a".utf8) + [0xFF] + Array("b".utf8) + rest)
        #expect(repaired.name == "a\u{FFFD}b")
        let file = "d6:lengthi0e4:pathl1:xe10:path.utf-8l2:éee"
        let better = try Info(
            text: "d5:filesl\(file)e4:name1:y10:name.utf-82:ü" + String(decoding: rest, as: UTF8.self))
        #expect(better.name == "ü")
        #expect(better.files[0].path == ["é"])
    }

    @Test(arguments: [
        ("", MetainfoError.malformed(.truncated)), ("le", .wrongType(.info)), ("de", .missing(.name)),
        ("d4:namei1ee", .wrongType(.name)), ("d4:name1:ae", .missing(.pieceLength)),
        ("d4:name1:a12:piece lengthi0ee", .pieceLengthOutOfRange(0)),
        ("d4:name1:a12:piece lengthi-1ee", .pieceLengthOutOfRange(-1)),
        ("d4:name1:a12:piece lengthi536870913ee", .pieceLengthOutOfRange(536_870_913)),
        ("d4:name1:a12:piece length1:4e", .wrongType(.pieceLength)),
        ("d4:name1:a12:piece lengthi4ee", .missing(.pieces)),
        ("d4:name1:a12:piece lengthi4e6:piecesi0ee", .wrongType(.pieces)),
        ("d4:name1:a12:piece lengthi4e6:pieces19:aaaaaaaaaaaaaaaaaaae", .piecesNotMultipleOf20(bytes: 19)),
        ("d4:name1:a12:piece lengthi4e6:pieces\(pieces)e", .neitherLengthNorFiles),
        ("d5:filesle4:name1:a12:piece lengthi4e6:pieces0:e", .noFiles),
        ("d5:filesdee", .wrongType(.files)), ("d5:filesli1eee", .wrongType(.files)),
        ("d6:lengthi-1e4:name1:a12:piece lengthi4e6:pieces0:e", .negativeLength(file: 0)),
        ("d6:lengthi5e4:name1:a12:piece lengthi4e6:pieces\(pieces)e", .wrongPieceCount(expected: 2, found: 1)),
        ("d6:lengthi0e4:name1:a12:piece lengthi4e6:pieces\(pieces)e", .wrongPieceCount(expected: 0, found: 1)),
        (
            "d6:lengthi9223372036854775807e4:name1:a12:piece lengthi1e6:pieces0:e",
            .wrongPieceCount(expected: .max, found: 0)
        ),
        ("d5:filesld4:pathl1:aeeee", .missing(.length)), ("d5:filesld6:lengthi1eeee", .missing(.path)),
        ("d5:filesld6:lengthi-1e4:pathl1:aeeee", .negativeLength(file: 0)),
        ("d5:filesld6:lengthi1e4:pathli1eeeee", .wrongType(.path)),
        (
            "d5:filesld6:lengthi9223372036854775807e4:pathl1:aeed6:lengthi1e4:pathl1:beeee",
            .totalTooLarge
        ),
        ("d6:lengthi1e6:lengthi1ee", .repeated(.length)), ("d6:pieces0:6:pieces0:e", .repeated(.pieces)),
        ("d6:lengthi0e4:name1:a12:piece lengthi4e6:pieces0:ex", .malformed(.trailingBytes(at: 50))),
        ("d9:file treede12:meta versioni2e4:name1:a12:piece lengthi16384ee", .version2Only),
    ])
    func aBrokenDictionaryIsRefusedWithItsReason(text: String, error: MetainfoError) {
        #expect(throws: error) { try Info(text: text) }
        #expect(!error.description.isEmpty)
    }

    @Test(arguments: [
        "7:privatei1e", "7:privatei2e", "7:privatei-1e", "7:privatei99999999999999999999e", "7:private1:1",
        "7:private4:true", "7:privatele", "7:privatei01e",
    ])
    func privateInAnyShapeIsPrivate(field: String) throws {
        #expect(try Info(text: "d6:lengthi0e4:name1:a12:piece lengthi4e6:pieces0:\(field)e").isPrivate)
    }

    @Test(arguments: ["", "7:privatei0e", "7:private0:", "7:private1:0"])
    func whatSaysNoIsPublic(field: String) throws {
        #expect(try !Info(text: "d6:lengthi0e4:name1:a12:piece lengthi4e6:pieces0:\(field)e").isPrivate)
    }

    @Test(arguments: [
        "d6:lengthi0e4:pathl1:aee", "d6:lengthi0e4:pathl0:1:aee", "d6:lengthi0e4:pathl1:ae10:path.utf-8lee",
        "d6:lengthi0e4:pathl1:ae10:path.utf-8l0:ee", "d6:lengthi0e4:pathl1:ae10:path.utf-8i1ee",
        "d6:lengthi0e4:pathl1:ae10:path.utf-8li1eee", "d6:lengthi0e4:pathi1e10:path.utf-8l1:aee",
        "d4:attr1:l4:pathl1:ae12:symlink pathl1:bee", "d4:attr1:l6:lengthi7e4:pathl1:aee",
        "d5:ctimei99999999999999999999e6:lengthi0e4:pathl1:aee", "d6:lengthi0e5:mtimei007e4:pathl1:aee",
    ])
    func anOddFieldOfAFileDoesNotCostTheTorrent(file: String) throws {
        let info = try Info(
            text: "d5:filesl\(file)e6:length1:x4:name1:n10:name.utf-80:12:piece lengthi4e6:pieces0:1:zi1\(Self.huge)ee")
        #expect(info.files.map(\.path) == [["a"]] && info.files[0].length == 0 && info.name == "n")
    }

    /// Its bytes belong to the pieces.
    @Test(arguments: ["le", "l0:e", "l0:0:e"]) func aFileWithoutANameGetsOne(path: String) throws {
        let info = try Info(
            text: "d5:filesld6:lengthi0e4:path\(path)ee4:name1:n12:piece lengthi4e6:pieces0:e")
        #expect(info.files.map(\.path) == [["_"]])
    }

    private static let huge = String(repeating: "0", count: 40)

    @Test func paddingNeedsNoPath() throws {
        let files = "d6:lengthi3e4:pathl1:aeed4:attr1:p6:lengthi1eed6:lengthi4e4:pathl1:bee"
        let info = try Info(text: "d5:filesl\(files)e4:name1:n12:piece lengthi4e6:pieces\(Self.twoPieces)e")
        #expect(info.files.map(\.offset) == [0, 3, 4] && info.files.map(\.isStored) == [true, false, true])
    }

    private static let twoPieces = "40:" + String(repeating: "a", count: 40)

    /// Other clients go by `files` when there is `length` too.
    @Test func filesCountMoreThanALength() throws {
        let info = try Info(text: "d5:filesld6:lengthi0e4:pathl1:aeee6:lengthi9e4:name1:n12:piece lengthi4e6:pieces0:e")
        #expect(!info.isSingleFile && info.files.map(\.path) == [["a"]])
    }

    @Test func aTorrentWithoutBytesHasNoPieces() throws {
        let info = try Info(text: "d6:lengthi0e4:name1:a12:piece lengthi4e6:pieces0:e")
        #expect(info.pieceCount == 0)
        #expect(info.files.count == 1)
    }

    @Test func metadataBeyondTheLimitIsRefusedUnread() {
        let bytes = [UInt8](repeating: 0, count: MetainfoLimits.infoBytes + 1)
        #expect(throws: MetainfoError.tooLarge(limitBytes: 32 << 20)) { try Info(bytes: bytes) }
    }

    @Test func moreFilesThanTheLimitAreRefused() throws {
        let file = "d6:lengthi0e4:pathl1:aee"
        let info = { "d5:filesl\(String(repeating: file, count: $0))e4:name1:a12:piece lengthi4e6:pieces0:e" }
        #expect(try Info(bytes: Array(info(3).utf8), maxFiles: 3).files.count == 3)
        #expect(throws: MetainfoError.tooManyFiles(limit: 3)) { try Info(bytes: Array(info(4).utf8), maxFiles: 3) }
        #expect(MetainfoLimits.files == 1_000_000)
    }

    @Test func deepNestingIsRefused() {
        let text = "d1:a" + String(repeating: "l", count: 200_000)
        #expect(throws: MetainfoError.malformed(.tooDeep(at: 103))) { try Info(text: text) }
    }
}

extension Info {
    init(text: String) throws(MetainfoError) {
        try self.init(bytes: Array(text.utf8))
    }
}

extension FileSpan {
    init(_ file: Int, _ offset: Int, _ length: Int) {
        self.init(file: file, offset: offset, length: length)
    }
}
