import Digest
import Metainfo
import NIOCore
import Primitives
import Synchronization
import Testing

@testable import Storage

/// Whole pieces wait for company, but not for long, and not when nothing more can come.
@Suite struct CompanyTests {
    private let disk = MemoryDisk(seed: 5)

    private final class Log: Sendable {
        let events = Mutex<[StorageEvent]>([])
        var transcript: Transcript { Transcript(events: events.withLock { $0 }) }
    }

    private func worker(
        _ torrent: TestTorrent, _ configuration: StorageConfiguration = StorageConfiguration()
    ) -> (StorageWorker, Log) {
        let log = Log()
        var worker = StorageWorker(
            info: torrent.info, directory: "out", configuration: configuration, shouldStop: StopFlag(), disk: disk
        ) { events in log.events.withLock { $0 += events } }
        worker.open()
        return (worker, log)
    }

    private func store(_ piece: Int, of torrent: TestTorrent, in worker: inout StorageWorker) {
        let bytes = torrent.bytes(piece: piece, offset: 0, length: torrent.info.length(ofPiece: piece))
        worker.store(piece: piece, offset: 0, ByteBuffer(bytes: bytes))
        worker.reportEvents()
    }

    @Test func piecesWaitUntilTheLanesAreFull() throws {
        let torrent = try TestTorrent(length: 40_000)
        var (worker, log) = worker(torrent)
        let enough = SHA1Lanes.count
        for piece in 0..<enough - 1 { store(piece, of: torrent, in: &worker) }
        #expect(log.transcript.verified.isEmpty)
        #expect(log.transcript.released == 0)
        store(enough - 1, of: torrent, in: &worker)
        #expect(log.transcript.verified == Array(0..<enough), "in the order in which they became whole")
        #expect(log.transcript.released == enough * 1_000)
        #expect(!worker.awaitsCompany)
    }

    @Test func noPieceWaitsWhenNothingMoreCanCome() throws {
        let torrent = try TestTorrent(length: 3_000)
        var (worker, _) = worker(torrent)
        for piece in 0..<2 { store(piece, of: torrent, in: &worker) }
        if SHA1Lanes.count > 1 { #expect(worker.awaitsCompany) }
        store(2, of: torrent, in: &worker)
        #expect(!worker.awaitsCompany)
        worker.finishWhole()
        #expect(worker.have.isFull)
    }

    @Test func memoryThatIsShortEndsTheWait() throws {
        let torrent = try TestTorrent(length: 40_000)
        var configuration = StorageConfiguration()
        configuration.maxBufferedBytes = 2_500
        var (worker, log) = worker(torrent, configuration)
        for piece in 0..<3 { store(piece, of: torrent, in: &worker) }
        #expect(log.transcript.verified.sorted() == [0, 1, 2])
        #expect(worker.bufferedBytes == 0)
    }

    @Test func theWaitEndsByItself() async throws {
        let folder = TemporaryFolder()
        let torrent = try TestTorrent(length: 3_000)
        let session = Session(torrent, in: folder.path, waitsForCompany: true)
        session.store(piece: 1)
        let said = await session.transcript { $0.verified == [1] }
        #expect(said.released == 1_000)
        await session.close()
    }

    @Test func whatIsWholeIsKeptWhenTheStorageIsClosed() throws {
        let torrent = try TestTorrent(length: 3_000)
        var (worker, log) = worker(torrent)
        store(1, of: torrent, in: &worker)
        worker.close()
        #expect(log.transcript.verified == [1])
        #expect(disk.content("out/file.bin")?[1_000..<2_000] == torrent.content[1_000..<2_000])
    }
}
