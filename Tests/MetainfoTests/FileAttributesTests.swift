import Bencode
import Metainfo
import Primitives
import Testing

/// `attr` (BEP 47): padding, links, and what is only passed on.
@Suite struct FileAttributesTests {
    private func info(_ files: String, pieces: Int) throws -> Info {
        let hashes = String(repeating: "h", count: 20 * pieces)
        let text = "d5:filesl\(files)e4:name1:n12:piece lengthi10e6:pieces\(20 * pieces):\(hashes)e"
        return try Info(bytes: Array(text.utf8))
    }

    @Test func attributesAreRead() throws {
        let read = try info(
            """
            d4:attr2:hx6:lengthi3e4:pathl1:aee\
            d4:attr1:p6:lengthi7e4:pathl4:.pad1:7ee\
            d4:attr1:l6:lengthi0e4:pathl1:le12:symlink pathl1:aee\
            d4:attr3:?z_6:lengthi2e4:pathl1:bee\
            d4:attri1e6:lengthi1e4:pathl1:cee
            """, pieces: 2)
        #expect(read.files.map(\.attributes) == [[.hidden, .executable], .padding, .symbolicLink, [], []])
        #expect(read.files.map(\.isStored) == [true, false, false, true, true])
        #expect(Array(SelectedFiles(allOf: read).files.setIndices) == [0, 3, 4])
        #expect(SelectedFiles(allOf: read).isEverything)
        #expect(SelectedFiles(allOf: read).byteCount == 6)
        #expect(SelectedFiles(allOf: read).bytes(ofPiece: 0) == 3)
    }

    /// As other clients count: else the files behind it would be elsewhere.
    @Test func theLengthOfALinkIsNothing() throws {
        let read = try info("d4:attr1:l6:lengthi3e4:pathl1:aeed6:lengthi2e4:pathl1:bee", pieces: 1)
        #expect(!read.files[0].isStored && read.files.map(\.offset) == [0, 0] && read.totalLength == 2)
    }

    @Test func aSingleFileIsNeverPadding() throws {
        let hashes = String(repeating: "h", count: 20)
        let read = try Info(
            bytes: Array("d4:attr3:plx6:lengthi3e4:name1:n12:piece lengthi10e6:pieces20:\(hashes)e".utf8))
        #expect(read.files[0].attributes == .executable)
    }

    @Test func alignedFilesBeginWithAPiece() throws {
        let files = [("a", 5), ("empty", 0), ("b", 20), ("c", 1), ("d", 3)].map {
            InfoBuilder.File(path: [$0.0], length: $0.1)
        }
        let info = try InfoBuilder(name: "n", files: files, pieceLength: 10, aligned: true).draft()
        #expect(info.files.map(\.path) == [["a"], ["empty"], [".pad", "5"], ["b"], ["c"], [".pad", "9"], ["d"]])
        for file in info.files where file.isStored && file.length > 0 { #expect(file.offset.isMultiple(of: 10)) }
        #expect(info.totalLength == 43)
    }

    @Test func paddingIsHashedAsZeros() {
        var (one, other) = (PieceHasher(pieceLength: 70_000), PieceHasher(pieceLength: 70_000))
        one.update(zeros: 150_000)
        other.update([UInt8](repeating: 0, count: 150_000).span.bytes)
        #expect(one.finish() == other.finish())
    }
}
