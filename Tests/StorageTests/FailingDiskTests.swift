import Glibc
import Metainfo
import NIOCore
import Primitives
import Testing

@testable import Storage

/// A disk that fails costs one clear error, and nothing that was verified and could be written.
@Suite struct FailingDiskTests {
    private let disk = MemoryDisk(seed: 3)
    private let torrent: TestTorrent

    init() throws {
        torrent = try TestTorrent(files: [("a", 5_000), ("b", 5_000)])
    }

    private func start(_ log: Log) -> StorageWorker {
        var worker = StorageWorker(
            info: torrent.info, directory: "out", configuration: StorageConfiguration(), shouldStop: StopFlag(),
            disk: disk
        ) { log.events += $0 }
        worker.open()
        return worker
    }

    private func store(_ pieces: Range<Int>, in worker: inout StorageWorker) {
        for piece in pieces {
            let bytes = torrent.bytes(piece: piece, offset: 0, length: torrent.info.length(ofPiece: piece))
            worker.store(piece: piece, offset: 0, ByteBuffer(bytes: bytes))
        }
        worker.finishWhole()
    }

    /// What the next run finds after a power cut.
    private func foundAfterPowerCut() -> [Int] {
        disk.restart(afterPowerCut: true)
        let log = Log()
        var worker = start(log)
        worker.close()
        return log.transcript.opened.map { Array($0.setIndices) } ?? []
    }

    @Test func aFullDiskKeepsWhatWasVerified() throws {
        let log = Log()
        var worker = start(log)
        store(0..<3, in: &worker)
        disk.faults.freeBytes = 700
        store(3..<4, in: &worker)
        #expect(log.now(&worker).errors == [.full(path: "out/folder/a", errno: ENOSPC)])
        #expect(log.transcript.verified == [0, 1, 2])
        worker.close()
        #expect(log.now(&worker).errors.count == 1)
        // Not even the record has room; the data was synchronized all the same.
        #expect(foundAfterPowerCut() == [0, 1, 2])
    }

    @Test func aFailedSyncIsToldAndRecordsNothing() throws {
        let log = Log()
        var worker = start(log)
        store(0..<3, in: &worker)
        let batch = worker.beginCheckpoint()
        let checkpoint = try #require(batch)
        disk.faults.failAtCall = disk.calls + 1
        checkpoint.synchronize()
        let before = disk.content("out/.folder.mainline")
        worker.finish(checkpoint)
        worker.close()
        #expect(log.now(&worker).errors == [.other(path: "out/folder/a", errno: EIO)])
        #expect(disk.content("out/.folder.mainline") == before)
    }

    @Test func aDiskThatBecomesReadOnlyIsNamed() throws {
        let log = Log()
        var worker = start(log)
        store(0..<3, in: &worker)
        disk.faults.isReadOnly = true
        store(3..<4, in: &worker)
        worker.close()
        #expect(log.now(&worker).errors == [.readOnly(path: "out/folder/a", errno: EROFS)])
        disk.restart(afterPowerCut: false)
        disk.faults.isReadOnly = true
        let second = Log()
        var reader = start(second)
        reader.close()
        #expect(second.now(&reader).opened?.setCount == 3, "what is there is served, and found by its hashes")
    }

    @Test(arguments: ["out/folder", "out/folder/a", "out"])
    func aFolderThatVanishesIsNoticedWithTheNextBatch(what: String) throws {
        let log = Log()
        var worker = start(log)
        store(0..<3, in: &worker)
        disk.remove(what)
        let batch = worker.beginCheckpoint()
        let checkpoint = try #require(batch)
        worker.finish(checkpoint)
        worker.close()
        #expect(log.now(&worker).errors == [.other(path: "out/folder/a", errno: ENOENT)])
    }

    @Test func aMarkerThatVanishesComesBack() throws {
        let log = Log()
        var worker = start(log)
        store(0..<3, in: &worker)
        disk.remove("out/.folder.mainline")
        worker.close()
        #expect(log.now(&worker).errors.isEmpty)
        #expect(foundAfterPowerCut() == [0, 1, 2])
    }

    @Test func shortWritesWriteAll() throws {
        let log = Log()
        disk.faults.writesAreShort = true
        var worker = start(log)
        store(0..<10, in: &worker)
        worker.close()
        #expect(log.now(&worker).verified.count == 10)
        #expect(foundAfterPowerCut() == Array(0..<10))
        #expect(disk.content("out/folder/a") == torrent.content(ofFile: 0))
    }
}

/// One thread writes and reads it.
private final class Log: @unchecked Sendable {  // the worker of these tests runs on the test's own thread
    var events: [StorageEvent] = []

    var transcript: Transcript { Transcript(events: events) }

    func now(_ worker: inout StorageWorker) -> Transcript {
        worker.reportEvents()
        return transcript
    }
}
