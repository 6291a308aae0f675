import Foundation
import Metainfo
import NIOCore
import Primitives
import Storage
import Testing

/// Files that are not wanted: they never come into being, and no byte that was fetched of them is lost.
@Suite struct SelectionTests {
    let folder = TemporaryFolder()
    private let parts = ".folder.mainline.parts"

    /// Pieces of 1,000 bytes; both ends of `b` share a piece.
    private func torrent() throws -> TestTorrent {
        try TestTorrent(files: [("a", 1_500), ("sub/b", 3_000), ("c", 700), ("sub/empty", 0)])
    }

    private func run(_ torrent: TestTorrent, _ names: [String]?, storing pieces: [Int] = []) async throws -> Transcript
    {
        let selected = try names.map { try FileSelection($0).files(of: torrent.info) }
        let session = Session(torrent, in: folder.path, selection: selected)
        for piece in pieces { session.store(piece: piece) }
        return await session.close()
    }

    private func isWhole(_ torrent: TestTorrent, _ file: Int) -> Bool {
        folder.read("folder/" + torrent.info.files[file].path.joined(separator: "/")) == torrent.content(ofFile: file)
    }

    @Test func onlyWhatIsWantedComesIntoBeing() async throws {
        let torrent = try torrent()
        let said = try await run(torrent, ["b"], storing: [1, 2, 3, 4])
        #expect(said.verified == [1, 2, 3, 4])
        #expect(folder.tree == [".folder.mainline", parts, "folder/", "folder/sub/", "folder/sub/b"])
        #expect(isWhole(torrent, 1))
    }

    @Test func withoutSharedPiecesThereIsNoPartFile() async throws {
        let torrent = try TestTorrent(files: [("a", 2_000), ("b", 1_000)])
        _ = try await run(torrent, ["a"], storing: [0, 1])
        #expect(folder.tree == [".folder.mainline", "folder/", "folder/a"])
        let said = try await run(torrent, nil, storing: [2])
        #expect(said.opened?.setIndices.elementsEqual([0, 1]) == true)
    }

    @Test func whatIsInThePartFileIsServedAndFoundAgain() async throws {
        let torrent = try torrent()
        _ = try await run(torrent, ["b"], storing: [1, 2, 3, 4])
        let selected = try FileSelection(["b"]).files(of: torrent.info)
        let session = Session(torrent, in: folder.path, selection: selected)
        session.storage.read(piece: 1, offset: 100, length: 800, tag: 1)
        session.storage.read(piece: 4, offset: 300, length: 700, tag: 2)
        let said = await session.close()
        #expect(said.opened?.setIndices.elementsEqual([1, 2, 3, 4]) == true)
        for (tag, piece, offset, length) in [(UInt64(1), 1, 100, 800), (2, 4, 300, 700)] {
            let bytes = try #require(said.reads[tag]).get()
            #expect(
                Array(bytes.readableBytesView) == Array(torrent.bytes(piece: piece, offset: offset, length: length)))
        }
    }

    @Test func anotherSelectionGoesOnFromWhatIsThere() async throws {
        let torrent = try torrent()
        _ = try await run(torrent, ["b"], storing: [1, 2, 3, 4])
        let second = try await run(torrent, ["a", "b"], storing: [0])
        #expect(second.opened?.setIndices.elementsEqual([1, 2, 3, 4]) == true)
        #expect(isWhole(torrent, 0) && isWhole(torrent, 1))
        #expect(!folder.exists("folder/c") && folder.exists(parts))
        let third = try await run(torrent, nil, storing: [5])
        #expect(third.opened?.setIndices.elementsEqual(0..<5) == true)
        for file in 0..<4 { #expect(isWhole(torrent, file), "file \(file)") }
        #expect(!folder.exists(parts))
        // And back: what is there already stays what it is.
        #expect(try await run(torrent, ["c"]).opened?.isFull == true)
        #expect(!folder.exists(parts))
    }

    @Test func aFileThatWasRemovedIsNotTakenForOneInTheParts() async throws {
        let torrent = try torrent()
        _ = try await run(torrent, ["b"], storing: [1, 2, 3, 4])
        _ = try await run(torrent, ["a", "b"], storing: [0])
        try folder.remove("folder/a")
        let said = try await run(torrent, ["b"])
        // Piece 1 was moved out of the part file, where its bytes still are; piece 0 never was there.
        #expect(said.opened?.setIndices.elementsEqual([1, 2, 3, 4]) == true)
        try folder.remove(parts)
        #expect(try await run(torrent, ["b"]).opened?.setIndices.elementsEqual([2, 3]) == true)
    }

    @Test func changedPartsAreHashed() async throws {
        let torrent = try torrent()
        _ = try await run(torrent, ["b"], storing: [1, 2, 3, 4])
        var bytes = try #require(folder.read(parts))
        bytes[1_200] ^= 1
        try folder.write(parts, bytes)
        #expect(try await run(torrent, ["b"]).opened?.setIndices.elementsEqual([2, 3, 4]) == true)
    }

    /// Beside our marker it would count as ours in a run that wants it.
    @Test func aForeignFileThatIsNotWantedEndsTheRunAllTheSame() async throws {
        let torrent = try torrent()
        try folder.write("folder/a", [1, 2, 3])
        for names in [["b"], ["a"]] {
            let said = try await run(torrent, names, storing: [1, 2, 3, 4])
            #expect(said.errors == [.foreignFile(path: folder.path("folder/a"))])
            #expect(said.verified.isEmpty)
            #expect(folder.read("folder/a") == [1, 2, 3])
        }
    }

    @Test func aStrangersPartFileIsNotTouched() async throws {
        let torrent = try torrent()
        try folder.write(parts, [1])
        let said = try await run(torrent, ["b"], storing: [1])
        #expect(said.errors == [.foreignFile(path: folder.path(parts))])
        #expect(folder.read(parts) == [1])
    }

    @Test func paddingIsNowhereAndReadsAsZeros() async throws {
        let torrent = try TestTorrent(
            files: [("a", 1_300), (".pad/700", 700), ("b", 2_500), (".pad/500", 500), ("c", 100)], padding: [1, 3])
        let session = Session(torrent, in: folder.path)
        // Of the first padding something else is sent, of the second nothing.
        session.store(piece: 0)
        session.store(piece: 1, offset: 0, length: 300)
        session.storage.store(piece: 1, offset: 300, ByteBuffer(repeating: 7, count: 700))
        for piece in [2, 3] { session.store(piece: piece) }
        session.store(piece: 4, offset: 0, length: 500)
        session.store(piece: 5)
        session.storage.read(piece: 1, offset: 200, length: 800, tag: 1)
        let said = await session.close()
        #expect(said.verified == [0, 1, 2, 3, 4, 5])
        #expect(said.released == 1_300 + 700 + 2_000 + 500 + 100)
        #expect(folder.tree == [".folder.mainline", "folder/", "folder/a", "folder/b", "folder/c"])
        let bytes = try #require(said.reads[1]).get()
        #expect(Array(bytes.readableBytesView) == Array(torrent.bytes(piece: 1, offset: 200, length: 800)))
        var configuration = StorageConfiguration()
        configuration.rechecks = true
        let again = await Session(torrent, in: folder.path, configuration: configuration).close()
        #expect(again.opened?.isFull == true)
    }

    @Test func executablesAreAndLinksAreNot() async throws {
        let files = [
            InfoBuilder.File(path: ["tool"], length: 10, attributes: .executable),
            InfoBuilder.File(path: ["link"], length: 0, attributes: .symbolicLink),
            InfoBuilder.File(path: ["text"], length: 10),
        ]
        let content = [UInt8](repeating: 5, count: 20)
        var hasher = PieceHasher(pieceLength: 100)
        hasher.update(content.span.bytes)
        let info = try InfoBuilder(name: "folder", files: files, pieceLength: 100)
            .info(pieceHashes: hasher.finish())
        let session = Session(TestTorrent(info: info, content: content), in: folder.path)
        session.storeAll()
        await session.close()
        #expect(folder.tree == [".folder.mainline", "folder/", "folder/text", "folder/tool"])
        #expect(access(folder.path("folder/tool"), X_OK) == 0)
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("folder/text"))
        #expect((try #require(attributes[.posixPermissions] as? Int)) & 0o111 == 0)
    }
}
