import Digest
import Glibc
import Metainfo
import Primitives
import TestSupport
import Testing

@testable import Storage

@Suite struct ResumeJournalTests {
    private let disk = MemoryDisk(seed: 1)
    private let torrent: TestTorrent
    private let name: String

    init() throws {
        torrent = try TestTorrent(files: [("a", 15_000), ("b", 5_500)])
        name = ResumeFile.name(for: torrent.info)
        try disk.makeDirectories("out")
    }

    private func folder() throws -> any DiskFile { try disk.openDirectory("out") }

    private func read() throws -> ResumeJournal? {
        try ResumeJournal(try folder().openChild(name, flags: O_RDWR), named: name, info: torrent.info)
    }

    /// Three records: 0, 1, 2 and 7; then 4; then none, with a newer stamp.
    @discardableResult
    private func write() throws -> [UInt8] {
        var journal = try #require(try ResumeJournal.create(info: torrent.info, in: folder()))
        try journal.append(pieces: [2, 0, 7, 1], stamps: [(0, FileStamp(size: 15_000, modified: -5))])
        try journal.append(pieces: [4], stamps: [(0, FileStamp(size: 15_000, modified: 9))])
        try journal.append(pieces: [], stamps: [(1, FileStamp(size: 5_500, modified: .max))])
        return try #require(disk.content("out/" + name))
    }

    private func replaceMarker(with bytes: [UInt8]) throws {
        disk.remove("out/" + name)
        let file = try folder().openChild(name, flags: O_RDWR | O_CREAT)
        try file.write(bytes, at: 0)
    }

    @Test func recordsAddUpAndTheNewestStampCounts() throws {
        try write()
        let journal = try #require(try read())
        #expect(Array(journal.pieces.setIndices) == [0, 1, 2, 4, 7])
        #expect(journal.stamps == [0: FileStamp(size: 15_000, modified: 9), 1: FileStamp(size: 5_500, modified: .max)])
        #expect(!journal.mustRewrite)
    }

    @Test func aTornEndIsIgnoredAndTheRestKept() throws {
        let bytes = try write()
        let head = ResumeFile(info: torrent.info).byteCount
        let ends = [head, head + 28 + 16 + 20, head + 28 + 16 + 20 + 28 + 8 + 20]
        for count in head..<bytes.count {
            try replaceMarker(with: Array(bytes.prefix(count)))
            let journal = try #require(try read())
            let expected = [[], [0, 1, 2, 7], [0, 1, 2, 4, 7]][ends.lastIndex { $0 <= count } ?? 0]
            #expect(Array(journal.pieces.setIndices) == expected)
            #expect(journal.mustRewrite == !ends.contains(count))
        }
    }

    @Test func nothingBehindADamagedRecordIsTrusted() throws {
        let bytes = try write()
        let head = ResumeFile(info: torrent.info).byteCount
        for index in head..<bytes.count {
            var damaged = bytes
            damaged[index] ^= 0x40
            try replaceMarker(with: damaged)
            let journal = try #require(try read())
            #expect(journal.mustRewrite)
            if index < head + 64 { #expect(journal.pieces.isEmpty) }
        }
    }

    @Test func aRecordCountsOnlyBehindThoseItWasWrittenBehind() throws {
        let bytes = try write()
        let head = ResumeFile(info: torrent.info).byteCount
        try replaceMarker(with: Array(bytes[..<head] + bytes[(head + 64)...]))
        #expect(try read()?.pieces.isEmpty == true)
    }

    @Test func rewritingKeepsWhatIsAskedForAndTheLock() throws {
        try write()
        disk.restart(afterPowerCut: false)
        var journal = try #require(try read())
        var keeping = Bitfield(filled: torrent.info.pieceCount)
        keeping[7] = false
        try journal.rewrite(keeping: keeping, in: folder())
        try journal.append(pieces: [9], stamps: [])
        let other = try folder().openChild(name, flags: O_RDWR)
        #expect(!other.lock())
        #expect(try read().map { Array($0.pieces.setIndices) } == [0, 1, 2, 4, 9])
        #expect(try read()?.mustRewrite == false)
    }

    @Test func whatTheTorrentLacksIsNoRecord() throws {
        for (runs, file) in [([0..<22], 0), ([20..<21, 5..<6], 0), ([21..<22], 0), ([0..<1], 3)] {
            var record = JournalRecord(pieces: [], stamps: [(file, FileStamp(size: 0, modified: 0))])
            record.runs = runs
            let bytes = record.encoded(after: .zero).bytes
            #expect(JournalRecord(bytes.span.bytes, at: 0, chain: .zero, info: torrent.info) == nil)
        }
    }

    @Test func mutatedJournalsNeverTrap() throws {
        let original = Array(try write().dropFirst(ResumeFile(info: torrent.info).byteCount))
        let start = JournalRecord.overheadBytes
        var mutation = Mutation(generator: SeededGenerator(number: 5))
        var accepted = 0
        for round in 0..<(MutationCount.fromEnvironment ?? 50_000) {
            var bytes = original
            mutation.apply(to: &bytes)
            if round.isMultiple(of: 2), bytes.count > start { bytes = resealed(bytes) }
            if let record = JournalRecord(bytes.span.bytes, at: 0, chain: .zero, info: torrent.info) {
                accepted += 1
                try #require(record.pieceCount <= torrent.info.pieceCount)
            }
        }
        #expect(accepted > 0)
    }

    /// One record of all the bytes, with the length and checksum that it should have.
    private func resealed(_ bytes: [UInt8]) -> [UInt8] {
        let body = bytes.dropFirst(4).dropLast(20)
        var record: [UInt8] = []
        record.appendBigEndian(UInt32(body.count))
        record += body
        return record + SHA1.hash(ID160.zero.bytes + record).bytes
    }
}
