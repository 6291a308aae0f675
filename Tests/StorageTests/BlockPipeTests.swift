import Foundation
import Metainfo
import NIOCore
import Synchronization
import Testing

@testable import Storage

/// Blocks that go from files into pipes, and from there to sockets, without being copied.
@Suite struct BlockPipeTests {
    let folder = TemporaryFolder()
    let pool = BlockPipePool(limit: 2)

    /// A checked copy of two files that meet in the middle of a page and of piece 1.
    private func seed(_ files: [(path: String, length: Int)] = [("a", 50_001), ("b", 60_000)], padding: Set<Int> = [])
        throws -> (TestTorrent, Session)
    {
        let torrent = try TestTorrent(files: files, padding: padding, pieceLength: 40_000)
        for (index, file) in torrent.info.files.enumerated() where !padding.contains(index) {
            try folder.write("folder/" + file.path[0], torrent.content(ofFile: index))
        }
        return (torrent, Session(torrent, in: folder.path))
    }

    private func contents(_ pipe: BlockPipe) -> [UInt8] {
        var bytes: [UInt8] = []
        while pipe.byteCount > 0 { bytes += pipe.read(3_000).readableBytesView }
        return bytes
    }

    @Test func headsAndBlocksLieInOrder() async throws {
        let (torrent, session) = try seed()
        let pipe = try #require(pool.take())
        let blocks = [(0, 0, 16_384), (1, 5_000, 16_384), (2, 29_999, 1)].map {
            BlockRead(piece: $0, offset: $1, length: $2)
        }
        session.storage.read(blocks, heads: Array("head1head2head3".utf8), tag: 7, into: pipe)
        let said = await session.close()
        #expect(said.piped == [7])
        #expect(said.reads.isEmpty)
        var expected: [UInt8] = []
        for (number, block) in blocks.enumerated() {
            expected += Array("head\(number + 1)".utf8)
            expected += torrent.bytes(piece: block.piece, offset: block.offset, length: block.length)
        }
        #expect(pipe.byteCount == expected.count)
        #expect(contents(pipe) == expected)
    }

    /// What a connection has to send was verified, whatever happens to the file meanwhile.
    @Test func whatIsInAPipeStaysWhenTheFileIsCutShort() async throws {
        let (torrent, session) = try seed()
        let pipe = try #require(pool.take())
        session.storage.read([BlockRead(piece: 0, offset: 0, length: 40_000)], tag: 1, into: pipe)
        let said = await session.close()
        #expect(said.piped == [1])
        #expect(truncate(folder.path("folder/a"), 0) == 0)
        #expect(contents(pipe) == Array(torrent.bytes(piece: 0, offset: 0, length: 40_000)))
    }

    @Test func aFileCutShortFailsItsBlocksAndNoOther() async throws {
        let (torrent, session) = try seed()
        _ = await session.transcript { $0.opened != nil }
        #expect(truncate(folder.path("folder/a"), 20_000) == 0)
        let pipe = try #require(pool.take())
        let blocks = [(30_000, 10_000), (0, 9_999)].map { BlockRead(piece: 0, offset: $0, length: $1) }
        session.storage.read(blocks, tag: 1, into: pipe)
        session.storage.read(piece: 0, offset: 0, length: 9_999, tag: 2)
        let said = await session.close()
        #expect(said.piped.isEmpty)
        #expect(throws: StorageError.notVerified(piece: 0)) { try said.reads[1]?.get() }
        let good = try #require(said.reads[2]).get()
        #expect(Array(good.readableBytesView) == Array(torrent.bytes(piece: 0, offset: 0, length: 9_999)))
    }

    @Test func whatAPipeCannotTakeIsReadIntoABuffer() async throws {
        let (torrent, session) = try seed([("a", 20_000), ("pad", 20_000), ("b", 40_000)], padding: [1])
        let pipe = try #require(pool.take())
        session.storage.read([BlockRead(piece: 0, offset: 10_000, length: 20_000)], tag: 1, into: pipe)
        // More pages than a pipe has room for.
        let many = (0..<200).map { BlockRead(piece: 1, offset: $0, length: 1) }
        let another = try #require(pool.take())
        session.storage.read(many, tag: 2, into: another)
        let said = await session.close()
        #expect(said.piped.isEmpty)
        for (tag, piece, offset, length) in [(UInt64(1), 0, 10_000, 20_000), (2, 1, 0, 200)] {
            let bytes = try #require(said.reads[tag]).get()
            #expect(
                Array(bytes.readableBytesView) == Array(torrent.bytes(piece: piece, offset: offset, length: length)))
        }
    }

    @Test func aDiskThatIsNotTheSystemsIsReadIntoABuffer() throws {
        let torrent = try TestTorrent(length: 5_000)
        let (log, disk) = (EventLog(), MemoryDisk(seed: 1))
        var worker = StorageWorker(
            info: torrent.info, directory: "out", configuration: StorageConfiguration(), shouldStop: StopFlag(),
            disk: disk
        ) { events in log.events.withLock { $0 += events } }
        worker.open()
        worker.store(piece: 0, offset: 0, ByteBuffer(bytes: torrent.bytes(piece: 0, offset: 0, length: 1_000)))
        worker.finishWhole()
        let pipe = try #require(pool.take())
        worker.read([BlockRead(piece: 0, offset: 1, length: 9)], heads: [], tag: 1, into: pipe)
        worker.reportEvents()
        let said = Transcript(events: log.events.withLock { $0 })
        #expect(Array(try #require(said.reads[1]).get().readableBytesView) == Array(torrent.content[1..<10]))
    }

    @Test func pipesAreLimitedAndUsedAgainWhenTheyAreEmpty() throws {
        var first = pool.take()
        let second = try #require(pool.take())
        #expect(pool.take() == nil)
        first = nil
        first = pool.take()
        #expect(first != nil)
        #expect(pool.openCount == 2)
        let pages = HeadPages()
        let bytes = try #require(pages.keep([1, 2, 3]))
        #expect(first?.lend(bytes[0..<3]) == true)
        first = nil
        #expect(pool.openCount == 1, "somebody's bytes must not come before another's")
        #expect(pool.take() != nil)
        withExtendedLifetime(second) {}
    }

    @Test func fewSparePipesAreKept() {
        let pool = BlockPipePool(limit: 20)
        var pipes = (0..<20).map { _ in pool.take() }
        #expect(pool.openCount == 20)
        pipes = []
        #expect(pipes.isEmpty && pool.openCount == BlockPipePool.sparesMax)
    }

    @Test func headsAreNeverWrittenOver() throws {
        let pages = HeadPages()
        let heads = try (0..<1_000).map { number in
            let pipe = try #require(BlockPipePool(limit: 1).take())
            let bytes = try #require(pages.keep([UInt8](repeating: UInt8(number % 251), count: 200)))
            #expect(pipe.lend(bytes[0..<200]))
            pipe.filled(200)
            return pipe
        }
        for (number, pipe) in heads.enumerated() {
            #expect(contents(pipe) == [UInt8](repeating: UInt8(number % 251), count: 200))
        }
        #expect(pages.keep([UInt8](repeating: 0, count: 70_000)) == nil)
    }
}

private final class EventLog: Sendable {
    let events = Mutex<[StorageEvent]>([])
}
