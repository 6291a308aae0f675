import Foundation
import Metainfo
import Primitives
import Testing

@testable import CommandSupport

/// What `verify` makes of what it finds.
@Suite struct VerifyTests {
    /// Three files over four pieces of 16 KiB: the second file begins in piece 1.
    private let info: Info
    private let good: [DiskHasher.Finding]
    private let sizes: [FileFinding] = [.size(20_000), .size(30_000), .size(0)]
    private static let bytes = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 / 3) }

    init() throws {
        let builder = InfoBuilder(
            name: "t", files: [(path: ["a"], length: 20_000), (path: ["b"], length: 30_000), (path: ["c"], length: 0)],
            pieceLength: 16 << 10)
        var hasher = PieceHasher(pieceLength: builder.pieceLength)
        let bytes = Self.bytes
        hasher.update(bytes.span.bytes)
        let hashes = hasher.finish()
        info = try builder.info(pieceHashes: hashes)
        good = hashes.map { .hash($0) }
    }

    private func verdict(_ files: [FileFinding]? = nil, _ changes: [Int: DiskHasher.Finding] = [:]) -> DiskVerdict {
        DiskVerdict(info, files: files ?? sizes, pieces: good.indices.map { changes[$0] ?? good[$0] })
    }

    @Test func allThereIsComplete() {
        #expect(verdict().isComplete && verdict().status == .done && verdict().verifiedBytes == 50_000)
    }

    @Test func aWrongHashIsTheFaultOfAllItsFiles() {
        let verdict = verdict(nil, [1: .hash(.zero)])
        #expect(verdict.badPieces.ranges == [1...1] && verdict.status == .badContent)
        #expect(verdict.files.map(\.index) == [0, 1] && verdict.files.allSatisfy { $0.fault == .damaged })
        #expect(verdict.verifiedBytes == 50_000 - (16 << 10))
    }

    @Test func aMissingFileIsNotItsNeighboursFault() {
        let gone = DiskHasher.Finding.failed(file: 1, errno: ENOENT)
        let verdict = verdict([.size(20_000), .missing, .size(0)], [1: gone, 2: gone, 3: gone])
        #expect(verdict.files.map(\.index) == [1] && verdict.files[0].fault == .missing)
        #expect(verdict.files[0].pieces.text() == "1-3" && verdict.status == .badContent)
    }

    @Test(arguments: [
        (FileFinding.size(10), DiskVerdict.Fault.short(size: 10), ProgramExit.badContent),
        (.size(20_001), .long(size: 20_001), .badContent), (.notAFile, .notAFile, .badContent),
        (.unreadable(errno: EACCES), .unreadable(errno: EACCES), .disk),
    ])
    func aFaultIsNamed(found: FileFinding, fault: DiskVerdict.Fault, status: ProgramExit) {
        let verdict = verdict([found, .size(30_000), .size(0)])
        #expect(verdict.files.map(\.fault) == [fault] && verdict.status == status)
    }

    @Test func anEmptyFileCanBeMissingToo() {
        let verdict = verdict([.size(20_000), .size(30_000), .missing])
        #expect(!verdict.isComplete && verdict.badPieces.count == 0)
    }

    @Test func aReadErrorIsTheDisks() {
        let verdict = verdict(nil, [0: .failed(file: 0, errno: EIO)])
        #expect(verdict.files.map(\.fault) == [.unreadable(errno: EIO)] && verdict.status == .disk)
    }

    @Test(arguments: [([], ""), ([3], "3"), ([0, 1, 2, 5, 7, 8], "0-2, 5, 7-8")])
    func piecesAreRanges(pieces: [Int], text: String) {
        #expect(PieceRanges(pieces).text() == text)
    }

    @Test func manyRangesAreCutShort() {
        #expect(PieceRanges([1, 3, 5, 6, 9]).text(maxRanges: 2) == "1, 3 and 3 more")
    }

    @Test func reportsNamePiecesAndFiles() {
        let verdict = verdict([.size(7), .size(30_000), .size(0)], [0: .endsEarly(file: 0), 1: .endsEarly(file: 0)])
        let report = VerifyReport(info, verdict)
        #expect(report.lines == ["bad pieces: 0-1", "too short: t/a (7 instead of 20000 bytes), pieces 0-1"])
        #expect(report.line.text.contains(#""bad_pieces":[[0,1]],"files":[{"index":0,"path":["a"],"#))
        #expect(report.line.text.contains(#""fault":"too_short","size":7,"expected_size":20000"#))
    }

    @Test(arguments: [1, 2, 5]) func severalThreadsFindTheSameHashes(threads: Int) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "mainline-verify-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder + "/t", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let paths = DiskPaths.of(info, in: folder)
        #expect(paths == ["a", "b", "c"].map { "\(folder)/t/\($0)" })
        try Data(Self.bytes[..<20_000]).write(to: URL(filePath: paths[0]))
        try Data(Self.bytes[20_000...]).write(to: URL(filePath: paths[1]))
        let hasher = DiskHasher(info, paths: paths, threads: threads)
        #expect(await hasher.run() == good)
        #expect(hasher.doneBytes == 50_000)
        #expect(paths.map { FileFinding(path: $0) } == [.size(20_000), .size(30_000), .missing])

        let stopped = DiskHasher(info, paths: paths, threads: threads)
        stopped.stop()
        #expect(await stopped.run() == nil)
        try FileManager.default.removeItem(atPath: paths[0])
        let missing = DiskHasher.Finding.failed(file: 0, errno: ENOENT)
        #expect(await DiskHasher(info, paths: paths).run() == [missing, missing] + good[2...])
    }
}
