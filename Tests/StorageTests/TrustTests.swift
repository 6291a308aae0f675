import Foundation
import Metainfo
import Primitives
import Storage
import Testing

/// What is hashed at the start, and what is taken from the record.
@Suite struct TrustTests {
    let folder = TemporaryFolder()
    private let torrent: TestTorrent

    init() throws {
        torrent = try TestTorrent(files: [("a", 20_000), ("b", 20_000)])
    }

    private func download() async {
        let session = Session(torrent, in: folder.path)
        session.storeAll(blockLength: 1_000)
        await session.close()
    }

    /// Changes one byte, and with `hidden` sets the file's time back to what it was.
    private func damage(_ file: String, at offset: Int, hidden: Bool) throws {
        var status = stat()
        try #require(stat(folder.path(file), &status) == 0)
        let descriptor = open(folder.path(file), O_RDWR)
        defer { close(descriptor) }
        var byte: UInt8 = 0
        try #require(pread(descriptor, &byte, 1, offset) == 1)
        byte ^= 1
        try #require(pwrite(descriptor, &byte, 1, offset) == 1)
        if hidden { try #require(futimens(descriptor, [status.st_atim, status.st_mtim]) == 0) }
    }

    private func opened(spotChecks: Int = 8, rechecks: Bool = false, threads: Int = 4) async -> [Int] {
        var configuration = StorageConfiguration()
        configuration.spotChecks = spotChecks
        configuration.rechecks = rechecks
        configuration.checkThreads = threads
        let said = await Session(torrent, in: folder.path, configuration: configuration).close()
        return Array(said.opened?.setIndices.map { $0 } ?? [])
    }

    @Test func whatIsOnRecordAndUnchangedIsNotHashed() async throws {
        await download()
        try damage("folder/a", at: 5_500, hidden: true)
        // Nobody can see it without hashing, and nobody hashes.
        #expect(await opened(spotChecks: 0) == Array(0..<40))
    }

    @Test func aRecheckHashesEverythingAndCorrectsTheRecord() async throws {
        await download()
        try damage("folder/a", at: 5_500, hidden: true)
        let expected = (0..<40).filter { $0 != 5 }
        #expect(await opened(rechecks: true) == expected)
        #expect(await opened(spotChecks: 0) == expected)
    }

    @Test func aFileThatWasTouchedIsHashedAndTheOtherIsNot() async throws {
        await download()
        try damage("folder/a", at: 5_500, hidden: false)
        try damage("folder/b", at: 5_500, hidden: true)
        #expect(await opened(spotChecks: 0) == (0..<40).filter { $0 != 5 })
    }

    @Test func aSampleFindsADiskThatWasExchanged() async throws {
        await download()
        for offset in stride(from: 0, to: 20_000, by: 1_000) { try damage("folder/b", at: offset, hidden: true) }
        #expect(await opened() == Array(0..<20))
    }

    @Test func whatIsHashedOnceIsOnRecordThen() async throws {
        await download()
        let marker = ".folder.mainline"
        var bytes = try #require(folder.read(marker))
        bytes.removeLast()
        try folder.write(marker, bytes)
        #expect(await opened() == Array(0..<40))
        try damage("folder/a", at: 5_500, hidden: true)
        #expect(await opened(spotChecks: 0) == Array(0..<40))
    }

    @Test func aMarkerOfTheFirstVersionIsTakenOver() async throws {
        await download()
        let head = ResumeFile(info: torrent.info).encoded()
        try folder.write(".folder.mainline", TestTorrent.firstVersion(of: head))
        try damage("folder/a", at: 5_500, hidden: true)
        let expected = (0..<40).filter { $0 != 5 }
        #expect(await opened() == expected)
        #expect(folder.read(".folder.mainline")?[11] == 2)
        #expect(await opened(spotChecks: 0) == expected)
    }

    @Test(arguments: [1, 3])
    func anyNumberOfThreadsFindsTheSame(threads: Int) async throws {
        let torrent = try TestTorrent(
            files: [("a", 20 << 20), ("b", 20 << 20), ("c", 100)], pieceLength: 256 << 10)
        for index in 0..<3 { try folder.write("folder/\(["a", "b", "c"][index])", torrent.content(ofFile: index)) }
        try folder.write(".folder.mainline", ResumeFile(info: torrent.info).encoded())
        try damage("folder/b", at: 5 << 20, hidden: true)
        var configuration = StorageConfiguration()
        configuration.checkThreads = threads
        configuration.maxOpenFiles = 1
        let said = await Session(torrent, in: folder.path, configuration: configuration).close()
        #expect(said.opened?.setCount == torrent.info.pieceCount - 1)
        #expect(said.opened?[100] == false)
    }

    @Test func aRunningDownloadIsOnRecordBeforeItsEnd() async throws {
        var configuration = StorageConfiguration()
        configuration.checkpointSeconds = 0.01
        let session = Session(torrent, in: folder.path, configuration: configuration)
        session.store(piece: 3)
        _ = await session.settle()
        let head = ResumeFile(info: torrent.info).encoded().count
        for _ in 0..<24_000 where folder.size(".folder.mainline") == head {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(folder.size(".folder.mainline") == head + 4 + 4 + 8 + 20 + 20, "a run, a stamp and what frames them")
        await session.close()
    }
}
