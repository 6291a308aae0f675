import Metainfo
import Primitives
import Testing

/// Which files a selection means, and which pieces they need.
@Suite struct FileSelectionTests {
    private static let paths = [
        "CD1/01 Intro.flac", "CD1/02 Song.flac", "CD2/01 Song, live.flac", "CD2/cover.jpg", "notes[1].txt", "12",
    ]

    private func album(pieceLength: Int = 100) throws -> Info {
        let files = Self.paths.map { (path: $0.split(separator: "/").map(String.init), length: 150) }
        let builder = InfoBuilder(name: "Album", files: files, pieceLength: pieceLength)
        return try builder.draft()
    }

    @Test(arguments: [
        ("*.flac", [0, 1, 2]), ("CD2", [2, 3]), ("CD1/*", [0, 1]), ("Album/CD1/0[!2]*", [0]), ("/CD2/*.flac", [2]),
        ("**/01*", [0, 2]), ("./**/cover.jpg", [3]), ("0? Song*", [1, 2]), ("*Song\\, live*", [2]),
        ("*[0-9]?.txt", [4]),
        ("notes\\[1].txt", [4]), ("[1]2", [5]), ("2-3,6", [1, 2, 5]), ("5-", [4, 5]), ("1,CD2,*.nfo", [0, 2, 3]),
        ("6-99", [5]), ("*/*.flac", [0, 1, 2]), ("Album", []),
    ])
    func patternsAndNumbers(text: String, indices: [Int]) throws {
        let selection = try FileSelection([text])
        guard !indices.isEmpty else {
            #expect(throws: FileSelection.Mismatch.self) { try selection.files(of: album()) }
            return
        }
        #expect(Array(try selection.files(of: album()).files.setIndices) == indices)
    }

    @Test func severalSelectionsAddUpAndWhatIsNotThereIsNamed() throws {
        let selected = try FileSelection(["1", "*.nfo,*.jpg"]).files(of: album())
        #expect(Array(selected.files.setIndices) == [0, 3])
        #expect(selected.unmatched == ["*.nfo"])
        #expect(!selected.isEverything)
    }

    @Test(arguments: ["", ",", "0", "3-2", "0-3", "1-2-3", "99999999999999999999"])
    func nonsenseIsRefused(text: String) {
        #expect(throws: FileSelection.Failure.self) { try FileSelection([text]) }
    }

    @Test func theNumberOfPartsIsBounded() {
        let many = Array(repeating: "1", count: MetainfoLimits.selectionTerms)
        #expect(throws: Never.self) { try FileSelection(many) }
        #expect(throws: FileSelection.Failure.tooMany(limit: MetainfoLimits.selectionTerms)) {
            try FileSelection(many + ["1"])
        }
        let hash = String(repeating: "a", count: 40)
        let magnet = try? Magnet("magnet:?xt=urn:btih:\(hash)&so=\(many.joined(separator: ",")),1,1")
        #expect(magnet?.remarks.map(\.count) == [2])
    }

    @Test func whatMatchesNothingSaysWhatThereIs() throws {
        do {
            _ = try FileSelection(["*.mkv", "77"]).files(of: album())
            Issue.record("nothing of it is there")
        } catch {
            let text = "\(error)"
            #expect(text.hasPrefix("'*.mkv', '77' does not match any of 6 files: 1 CD1/01 Intro.flac, 2 "))
            #expect(text.hasSuffix(", …"))
        }
    }

    /// Two stars in a row and a long name: time must not multiply, which would be years.
    ///
    /// The limit counts from when all tests of the run are begun.
    @Test(.timeLimit(.minutes(20))) func patternsOfStarsTakeNoTime() throws {
        let name = String(repeating: "a", count: 4_000)
        let info = try InfoBuilder(name: name, length: 1, pieceLength: 1).draft()
        let pattern = String(repeating: "*a", count: 200) + "b"
        #expect(throws: FileSelection.Mismatch.self) { try FileSelection([pattern]).files(of: info) }
        let folders = String(repeating: "**/a*/", count: 200) + "b"
        #expect(throws: FileSelection.Mismatch.self) { try FileSelection([folders]).files(of: info) }
    }

    @Test func piecesAndBytesAreThoseOfTheWantedFiles() throws {
        // Files of 150 bytes in pieces of 100: 0 is [0,150), 1 is [150,300), 2 is [300,450).
        let selected = try FileSelection(["2,5"]).files(of: album())
        #expect(Array(selected.pieces.setIndices) == [1, 2, 6, 7])
        #expect(selected.byteCount == 300)
        #expect((0..<9).map { selected.bytes(ofPiece: $0) } == [0, 50, 100, 0, 0, 0, 100, 50, 0])
        let all = SelectedFiles(allOf: try album())
        #expect(all.isEverything && all.pieces.isFull && all.byteCount == 900)
    }

    @Test func magnetsSelectFromZero() throws {
        let hash = String(repeating: "a", count: 40)
        let magnet = try Magnet("magnet:?xt=urn:btih:\(hash)&so=0,2-3")
        #expect(Array(try #require(magnet.selection).files(of: album()).files.setIndices) == [0, 2, 3])
        #expect(try Magnet(magnet.text) == magnet)
        for broken in ["", "a", "3-1", "-1", "1-", "99999999999"] {
            let magnet = try Magnet("magnet:?xt=urn:btih:\(hash)&so=\(broken)")
            #expect(magnet.selection == nil && magnet.remarks.map(\.example) == [broken])
        }
    }
}
