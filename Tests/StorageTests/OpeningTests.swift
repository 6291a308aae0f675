import Foundation
import Metainfo
import NIOCore
import Primitives
import Storage
import Synchronization
import Testing

@Suite struct ResumingTests {
    let folder = TemporaryFolder()

    @Test func aSecondRunFindsWhatTheFirstVerified() async throws {
        let torrent = try TestTorrent(files: [("a", 1_500), ("b", 3_000), ("c", 700)])
        let first = Session(torrent, in: folder.path)
        for piece in [1, 3, 5] { first.store(piece: piece) }
        first.store(piece: 0, offset: 0, length: 999)
        await first.close()

        let second = Session(torrent, in: folder.path)
        for piece in [0, 2, 4] { second.store(piece: piece) }
        let said = await second.close()
        #expect(said.opened?.setIndices.elementsEqual([1, 3, 5]) == true)
        #expect(said.verified == [0, 2, 4])
        for index in 0..<3 {
            #expect(folder.read("folder/" + torrent.info.files[index].path[0]) == torrent.content(ofFile: index))
        }
        #expect(await Session(torrent, in: folder.path).close().opened?.isFull == true)
    }

    @Test func whatWasDamagedOrCutOffIsFetchedAgain() async throws {
        let torrent = try TestTorrent(files: [("a", 2_000), ("b", 2_000), ("c", 2_000)])
        let first = Session(torrent, in: folder.path)
        first.storeAll()
        await first.close()
        var damaged = torrent.content(ofFile: 0)
        damaged[1_999] ^= 1
        try folder.write("folder/a", damaged)
        try folder.write("folder/b", Array(torrent.content(ofFile: 1).prefix(1_000)))
        try folder.remove("folder/c")

        let second = Session(torrent, in: folder.path)
        for piece in [1, 3, 4, 5] { second.store(piece: piece) }
        let said = await second.close()
        #expect(said.opened?.setIndices.elementsEqual([0, 2]) == true)
        #expect(said.verified == [1, 3, 4, 5])
        #expect(folder.read("folder/b") == torrent.content(ofFile: 1))
        #expect(folder.read("folder/c") == torrent.content(ofFile: 2))
    }

    @Test func aPieceOfZerosIsRecognisedInAHole() async throws {
        let hashes = try #require(PieceHashes.ofZeros(count: 2, length: 65_536))
        let torrent = TestTorrent(info: hashes, content: Array(repeating: 0, count: 2 * 65_536))
        let first = Session(torrent, in: folder.path)
        first.store(piece: 1, blockLength: 16_384)
        await first.close()
        // The first piece was never written, yet the hole reads as what it must be.
        #expect(await Session(torrent, in: folder.path).close().opened?.isFull == true)
    }

    @Test func emptyFilesThatVanishedComeBack() async throws {
        let torrent = try TestTorrent(files: [("empty", 0), ("a", 10)])
        let first = Session(torrent, in: folder.path)
        first.storeAll()
        await first.close()
        try folder.remove("folder/empty")
        #expect(await Session(torrent, in: folder.path).close().opened?.isFull == true)
        #expect(folder.read("folder/empty") == [])
    }

    @Test func theMarkerGivesTheMetadataToALaterRun() async throws {
        let torrent = try TestTorrent(length: 10)
        try folder.write(".other.mainline", Array("mainline".utf8))
        try folder.write(".short.mainline", [])
        try folder.makeFolder(".folder.mainline")
        try folder.link(".link.mainline", to: "/dev/zero")
        #expect(ResumeFile.find(infoHash: torrent.info.infoHash, in: folder.path) == nil)
        await Session(torrent, in: folder.path).close()
        let found = try #require(ResumeFile.find(infoHash: torrent.info.infoHash, in: folder.path))
        #expect(found.bytes == torrent.info.bytes)
        #expect(ResumeFile.find(infoHash: .zero, in: folder.path) == nil)
        #expect(ResumeFile.find(infoHash: torrent.info.infoHash, in: folder.path("nowhere")) == nil)
    }

    @Test func closingEndsALongCheckWithoutAnAnswer() async throws {
        let torrent = try TestTorrent(length: 5_000)
        try folder.write("file.bin", torrent.content)
        let closing = Closing()
        let events = await withCheckedContinuation { continuation in
            let storage = TorrentStorage(info: torrent.info, directory: folder.path) { events in
                closing.received(events) { continuation.resume(returning: $0) }
            }
            closing.start(storage)
        }
        let said = Transcript(events: events)
        #expect(said.opened == nil && said.errors.isEmpty)
        #expect(await Session(torrent, in: folder.path).close().opened?.isFull == true)
    }
}

/// Closes a storage as soon as it says that it checks.
private final class Closing: Sendable {
    private let state = Mutex<(storage: TorrentStorage?, events: [StorageEvent])>((nil, []))

    func start(_ storage: TorrentStorage) {
        state.withLock { $0.storage = storage }
        storage.open()
    }

    func received(_ events: [StorageEvent], whenClosed: @escaping @Sendable ([StorageEvent]) -> Void) {
        let storage = state.withLock { state in
            state.events += events
            return state.storage.take()
        }
        storage?.close { whenClosed(self.state.withLock { $0.events }) }
    }
}

@Suite struct ForeignFileTests {
    let folder = TemporaryFolder()

    @Test func anotherFileIsRefusedAndLeftAlone() async throws {
        try folder.write("file.bin", [1, 2, 3])
        let session = Session(try TestTorrent(length: 1_000), in: folder.path)
        session.storeAll()
        let said = await session.close()
        #expect(said.errors == [.foreignFile(path: folder.path("file.bin"))])
        #expect(said.opened == nil && said.verified.isEmpty)
        #expect(said.released == 1_000)
        #expect(folder.tree == ["file.bin"])
        #expect(folder.read("file.bin") == [1, 2, 3])
    }

    @Test func aFileOfTheSameSizeIsComparedByItsHashes() async throws {
        let torrent = try TestTorrent(files: [("a", 2_000), ("b", 2_000)])
        var bytes = torrent.content(ofFile: 1)
        bytes[1_500] ^= 1
        try folder.write("folder/a", torrent.content(ofFile: 0))
        try folder.write("folder/b", bytes)
        let said = await Session(torrent, in: folder.path).close()
        #expect(said.errors == [.foreignFile(path: folder.path("folder/b"))])
        #expect(folder.read("folder/b") == bytes)
        #expect(!folder.exists(".folder.mainline"))
    }

    @Test func oneFileOfManyIsEnoughToRefuse() async throws {
        let torrent = try TestTorrent(files: [("a", 2_000), ("sub/b", 2_000)])
        try folder.write("folder/sub/b", torrent.content(ofFile: 1))
        let said = await Session(torrent, in: folder.path).close()
        #expect(said.errors == [.foreignFile(path: folder.path("folder/sub/b"))])
        #expect(folder.tree == ["folder/", "folder/sub/", "folder/sub/b"])
    }

    @Test func aCompleteCopyIsTakenAsItIsAndServed() async throws {
        let torrent = try TestTorrent(files: [("a", 2_000), ("empty", 0), ("sub/b", 500)])
        try folder.write("folder/a", torrent.content(ofFile: 0))
        try folder.write("folder/sub/b", torrent.content(ofFile: 2))
        let session = Session(torrent, in: folder.path)
        session.storage.read(piece: 2, offset: 0, length: 500, tag: 1)
        let said = await session.close()
        #expect(said.opened?.isFull == true)
        #expect(try said.reads[1]?.get().readableBytes == 500)
        #expect(folder.tree == ["folder/", "folder/a", "folder/sub/", "folder/sub/b"], "nothing is written")
    }

    @Test func aFolderInPlaceOfAFileAndAFileInPlaceOfAFolderAreRefused() async throws {
        try folder.makeFolder("file.bin")
        try folder.write("folder", [1])
        let single = await Session(try TestTorrent(length: 10), in: folder.path).close()
        #expect(single.errors == [.foreignFile(path: folder.path("file.bin"))])
        let several = await Session(try TestTorrent(files: [("a", 10)]), in: folder.path).close()
        #expect(several.errors == [.foreignFile(path: folder.path("folder"))])
        #expect(folder.tree == ["file.bin/", "folder"])
    }

    @Test func whatAppearsDuringTheDownloadIsNotOverwritten() async throws {
        let torrent = try TestTorrent(files: [("a", 1_000), ("b", 1_000)])
        let session = Session(torrent, in: folder.path)
        session.store(piece: 0)
        _ = await session.settle()
        try folder.write("folder/b", [7])
        session.store(piece: 1)
        let said = await session.close()
        #expect(said.verified == [0])
        #expect(said.errors == [.foreignFile(path: folder.path("folder/b"))])
        #expect(folder.read("folder/b") == [7])
    }

    @Test func theMarkerOfAnotherTorrentIsRespected() async throws {
        await Session(try TestTorrent(length: 10), in: folder.path).close()
        let said = await Session(try TestTorrent(length: 20), in: folder.path).close()
        #expect(said.errors == [.foreignResumeFile(path: folder.path(".file.bin.mainline"))])
        #expect(folder.tree == [".file.bin.mainline"])
    }

    @Test func aMarkerThatIsNoneIsRespected() async throws {
        try folder.write(".file.bin.mainline", Array("notes of the user".utf8))
        let said = await Session(try TestTorrent(length: 10), in: folder.path).close()
        #expect(said.errors == [.foreignResumeFile(path: folder.path(".file.bin.mainline"))])
        #expect(folder.read(".file.bin.mainline") == Array("notes of the user".utf8))
    }

    @Test func theSameDownloadRunsOnlyOnce() async throws {
        let torrent = try TestTorrent(length: 1_000)
        let first = Session(torrent, in: folder.path)
        _ = await first.settle()
        let second = await Session(torrent, in: folder.path).close()
        #expect(second.errors == [.locked(path: folder.path(".file.bin.mainline"))])
        first.storeAll()
        #expect(await first.close().verified == [0])
        #expect(await Session(torrent, in: folder.path).close().opened?.isFull == true)
    }

    @Test func aTemporaryMarkerLeftByACrashIsReplaced() async throws {
        try folder.write(".file.bin.mainline.tmp", [1, 2, 3])
        let session = Session(try TestTorrent(length: 10), in: folder.path)
        session.storeAll()
        #expect(await session.close().verified == [0])
        #expect(folder.tree == [".file.bin.mainline", "file.bin"])
    }

    @Test func theMessageSaysWhatToDo() {
        #expect(
            StorageError.foreignFile(path: "d/f").description
                == "would overwrite d/f, which magnetget did not make: "
                + "move it away or choose another folder with -o")
    }
}
