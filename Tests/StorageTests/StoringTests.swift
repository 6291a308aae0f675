import Metainfo
import NIOCore
import Primitives
import Storage
import Testing

@Suite struct StoringTests {
    let folder = TemporaryFolder()

    @Test(arguments: [1, 7, 100, 999, 1_000])
    func blocksInOrderBecomeTheFile(blockLength: Int) async throws {
        let torrent = try TestTorrent(length: 3_456)
        let session = Session(torrent, in: folder.path)
        session.storeAll(blockLength: blockLength)
        let said = await session.close()
        #expect(said.opened?.isEmpty == true)
        #expect(said.verified == [0, 1, 2, 3])
        #expect(said.failed.isEmpty && said.errors.isEmpty)
        #expect(said.released == 3_456)
        #expect(folder.read("file.bin") == torrent.content)
    }

    @Test func blocksInAnyOrderBecomeTheFile() async throws {
        let torrent = try TestTorrent(length: 10_000)
        let session = Session(torrent, in: folder.path)
        var generator = SeededGenerator(number: 5)
        let blocks = (0..<10).flatMap { piece in (0..<40).map { (piece, $0 * 25) } }.shuffled(using: &generator)
        for (piece, offset) in blocks { session.store(piece: piece, offset: offset, length: 25) }
        let said = await session.close()
        #expect(said.verified.sorted() == Array(0..<10))
        #expect(said.released == 10_000)
        #expect(folder.read("file.bin") == torrent.content)
    }

    @Test func overlappingAndRepeatedBlocksCountOnce() async throws {
        let torrent = try TestTorrent(length: 1_000)
        let session = Session(torrent, in: folder.path)
        let blocks = [(200, 100), (400, 100), (150, 500), (200, 100), (0, 300), (990, 10), (0, 0), (0, 1_000), (5, 10)]
        for (offset, length) in blocks { session.store(piece: 0, offset: offset, length: length) }
        let said = await session.close()
        #expect(said.verified == [0])
        #expect(said.released == blocks.reduce(0) { $0 + $1.1 })
        #expect(folder.read("file.bin") == torrent.content)
    }

    @Test func aDamagedPieceIsDroppedAndCanBeFetchedAgain() async throws {
        let torrent = try TestTorrent(length: 2_000)
        let session = Session(torrent, in: folder.path)
        session.store(piece: 1, offset: 0, length: 500, damaged: true)
        session.store(piece: 1, offset: 500, length: 500)
        session.store(piece: 0)
        session.store(piece: 1, reversed: true)
        let said = await session.close()
        #expect(said.failed == [1])
        #expect(said.verified == [0, 1])
        #expect(said.released == 3_000)
        #expect(folder.read("file.bin") == torrent.content)
    }

    @Test func aDamagedPieceIsNeverWritten() async throws {
        let session = Session(try TestTorrent(length: 1_000), in: folder.path)
        session.store(piece: 0, offset: 0, length: 1_000, damaged: true)
        #expect(await session.close().failed == [0])
        #expect(!folder.exists("file.bin"))
    }

    @Test func blocksOfAVerifiedPieceAreReleasedAtOnce() async throws {
        let session = Session(try TestTorrent(length: 1_000), in: folder.path)
        session.store(piece: 0)
        session.store(piece: 0)
        let said = await session.settle()
        #expect(said.verified == [0])
        #expect(said.released == 2_000)
        await session.close()
    }

    @Test func piecesStraddleFilesOfAnySize() async throws {
        let torrent = try TestTorrent(files: [
            ("a", 300), ("sub/b", 300), ("empty1", 0), ("sub/deeper/c", 2_000), ("d", 1), ("sub/empty2", 0),
            ("e", 1_399),
        ])
        let session = Session(torrent, in: folder.path)
        session.store(piece: 3, reversed: true)
        session.store(piece: 0, blockLength: 333)
        session.store(piece: 1, blockLength: 1_000)
        session.store(piece: 2, blockLength: 3)
        let said = await session.close()
        #expect(said.verified == [3, 0, 1, 2])
        for (index, file) in torrent.info.files.enumerated() {
            #expect(folder.read("folder/" + file.path.joined(separator: "/")) == torrent.content(ofFile: index))
        }
        #expect(folder.tree.count == 7 + 3 + 1, "seven files, three folders, the marker, nothing else")
    }

    @Test func emptyFilesExistAsSoonAsTheTorrentIsOpen() async throws {
        let torrent = try TestTorrent(files: [("sub/empty", 0), ("a", 10)])
        let said = await Session(torrent, in: folder.path).close()
        #expect(said.opened?.isEmpty == true)
        #expect(folder.tree == [".folder.mainline", "folder/", "folder/sub/", "folder/sub/empty"])
    }

    @Test func aTorrentWithoutBytesIsCompleteOnceOpened() async throws {
        let torrent = try TestTorrent(name: "nothing", length: 0)
        let said = await Session(torrent, in: folder.path).close()
        #expect(said.opened?.isFull == true)
        #expect(folder.read("nothing") == [])
    }

    @Test func aFileHasItsLengthFromTheFirstWriteAndHolesInPlaceOfTheRest() async throws {
        let torrent = try TestTorrent(length: 10 << 20, pieceLength: 64 << 10)
        let session = Session(torrent, in: folder.path)
        session.store(piece: 159, blockLength: 16 << 10)
        await session.close()
        #expect(folder.size("file.bin") == 10 << 20)
        #expect(folder.allocatedBytes("file.bin") < 1 << 20)
    }

    @Test func moreChunksThanOneSystemCallTakesAreWritten() async throws {
        let torrent = try TestTorrent(length: 10_000, pieceLength: 10_000)
        let session = Session(torrent, in: folder.path)
        session.store(piece: 0, blockLength: 3)
        #expect(await session.close().verified == [0])
        #expect(folder.read("file.bin") == torrent.content)
    }

    @Test func theOutputFolderIsMadeWithTheFoldersAboveIt() async throws {
        let torrent = try TestTorrent(length: 10)
        let session = Session(torrent, in: folder.path("new/deeper/"))
        session.storeAll()
        #expect(await session.close().verified == [0])
        #expect(folder.read("new/deeper/file.bin") == torrent.content)
    }

    @Test func aThousandFilesNeedFewDescriptors() async throws {
        let torrent = try TestTorrent(files: (0..<1_000).map { ("d\($0 % 10)/\($0)", 100) })
        var configuration = StorageConfiguration()
        configuration.maxOpenFiles = 8
        let before = openDescriptors(below: folder.path)
        let session = Session(torrent, in: folder.path, configuration: configuration)
        session.storeAll()
        let said = await session.settle()
        #expect(said.verified.count == 100)
        // The output folder, the marker and the folder visited last come on top.
        #expect((1...8 + 3).contains(openDescriptors(below: folder.path) - before))
        await session.close()
        #expect(openDescriptors(below: folder.path) == before)
        for index in [0, 1, 499, 999] {
            #expect(folder.read("folder/d\(index % 10)/\(index)") == torrent.content(ofFile: index))
        }
    }
}

@Suite struct MemoryTests {
    let folder = TemporaryFolder()

    /// 64 KiB in all, 16 KiB of one piece.
    private var small: StorageConfiguration {
        var configuration = StorageConfiguration()
        configuration.maxBufferedBytesPerPiece = 16 << 10
        configuration.maxBufferedBytes = 64 << 10
        return configuration
    }

    @Test(arguments: [false, true])
    func aLargePieceIsWrittenEarlyAndReadBackForItsHash(reversed: Bool) async throws {
        let torrent = try TestTorrent(
            files: [("a", 700_001), ("b", 1), ("c", 1_500_000)], pieceLength: 1 << 20)
        let session = Session(torrent, in: folder.path, configuration: small)
        for piece in 0..<torrent.info.pieceCount {
            session.store(piece: piece, blockLength: 10_000, reversed: reversed)
        }
        let said = await session.close()
        #expect(said.verified == [0, 1, 2])
        #expect(said.released == torrent.content.count)
        for index in 0..<3 {
            #expect(folder.read("folder/" + torrent.info.files[index].path[0]) == torrent.content(ofFile: index))
        }
    }

    @Test func shuffledBlocksOfALargePieceAreHashedInTheirOrder() async throws {
        let torrent = try TestTorrent(length: 500_000, pieceLength: 500_000)
        let session = Session(torrent, in: folder.path, configuration: small)
        var generator = SeededGenerator(number: 11)
        for block in (0..<100).shuffled(using: &generator) {
            session.store(piece: 0, offset: block * 5_000, length: 5_000)
        }
        #expect(await session.close().verified == [0])
        #expect(folder.read("file.bin") == torrent.content)
    }

    @Test func aLargePieceThatFailsIsFetchedAgain() async throws {
        let torrent = try TestTorrent(length: 100_000, pieceLength: 100_000)
        let session = Session(torrent, in: folder.path, configuration: small)
        session.store(piece: 0, offset: 50_000, length: 50_000, damaged: true)
        session.store(piece: 0, offset: 0, length: 50_000)
        session.store(piece: 0, blockLength: 9_999)
        let said = await session.close()
        #expect(said.failed == [0])
        #expect(said.verified == [0])
        #expect(said.released == 200_000)
        #expect(folder.read("file.bin") == torrent.content)
    }

    @Test func manyUnfinishedPiecesHoldNoMoreThanTheirShare() async throws {
        let torrent = try TestTorrent(length: 100 * 16_000, pieceLength: 16_000)
        let session = Session(torrent, in: folder.path, configuration: small)
        for piece in 0..<100 { session.store(piece: piece, offset: 8_000, length: 8_000) }
        let said = await session.settle()
        #expect(said.released >= 100 * 8_000 - 64 << 10, "or a driver that waits for release waits for ever")
        #expect(said.released < 100 * 8_000, "what fits stays in memory")
        for piece in 0..<100 { session.store(piece: piece, offset: 0, length: 8_000) }
        let end = await session.close()
        #expect(end.verified.count == 100)
        #expect(end.released == torrent.content.count)
        #expect(folder.read("file.bin") == torrent.content)
    }

    @Test func closingReleasesWhatIsIncomplete() async throws {
        let session = Session(try TestTorrent(length: 5_000), in: folder.path)
        session.store(piece: 2, offset: 0, length: 700)
        let said = await session.close()
        #expect(said.released == 700)
        #expect(said.verified.isEmpty)
    }
}

@Suite struct ReadingTests {
    let folder = TemporaryFolder()

    @Test func verifiedPiecesAreReadAcrossFiles() async throws {
        let torrent = try TestTorrent(files: [("a", 300), ("b", 5), ("c", 1_000)])
        let session = Session(torrent, in: folder.path)
        session.storage.read(piece: 0, offset: 0, length: 10, tag: 1)
        session.storeAll()
        session.storage.read(piece: 0, offset: 250, length: 700, tag: 2)
        session.storage.read(piece: 1, offset: 0, length: 305, tag: 3)
        session.storage.read(piece: 1, offset: 5, length: 0, tag: 4)
        let said = await session.close()
        #expect(throws: StorageError.notVerified(piece: 0)) { try said.reads[1]?.get() }
        let expected: [(UInt64, Int, Int, Int)] = [(2, 0, 250, 700), (3, 1, 0, 305), (4, 1, 5, 0)]
        for (tag, piece, offset, length) in expected {
            let buffer = try #require(try said.reads[tag]?.get())
            #expect(
                Array(buffer.readableBytesView) == Array(torrent.bytes(piece: piece, offset: offset, length: length)))
        }
    }

    @Test func afterCloseNothingIsReadAndStoredBytesAreGivenBack() async throws {
        let session = Session(try TestTorrent(length: 1_000), in: folder.path)
        session.storeAll()
        await session.close()
        session.storage.read(piece: 0, offset: 0, length: 1, tag: 1)
        session.store(piece: 0, offset: 0, length: 10)
        let said = await session.close()
        #expect(throws: StorageError.notVerified(piece: 0)) { try said.reads[1]?.get() }
        #expect(said.released == 1_010)
    }
}
