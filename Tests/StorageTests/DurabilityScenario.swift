import Metainfo
import NIOCore
import Primitives
import Synchronization

@testable import Storage

/// A download in random order that is killed, loses its power and meets a failing disk, again and again.
///
/// Some files are padding, and each session wants others of the rest. In the end it is left alone, wants everything
/// and must end well. One seed decides everything.
struct DurabilityScenario {
    private var generator: SeededGenerator
    private let torrent: TestTorrent
    private let disk: MemoryDisk
    /// What is left out in all sessions, to see that the checks notice.
    private let omission: Omission
    private var configuration = StorageConfiguration()

    enum Omission { case nothing, dataSync, folderSync }

    /// What must never happen, in words.
    struct Violation: Error, CustomStringConvertible {
        let description: String
    }

    init(seed: UInt64, omitting omission: Omission = .nothing) throws {
        generator = SeededGenerator(number: seed)
        disk = MemoryDisk(seed: generator.next())
        self.omission = omission
        let pieceLength = 100 + Int(generator.next() % 300)
        var files: [(path: String, length: Int)] = []
        for index in 0..<1 + Int(generator.next() % 5) {
            files.append((index.isMultiple(of: 2) ? "f\(index)" : "sub\(index)/f", Int(generator.next() % 1_500)))
        }
        files.append(("last", 1 + Int(generator.next() % 500)))
        var padding: Set<Int> = []
        for index in files.indices.dropLast() where generator.next() % 6 == 0 { padding.insert(index) }
        torrent = try TestTorrent(files: files, padding: padding, pieceLength: pieceLength)
        configuration.spotChecks = 0
        configuration.checkThreads = 1
        configuration.maxOpenFiles = 1 + Int(generator.next() % 4)
        configuration.maxBufferedBytesPerPiece = generator.next() & 1 == 0 ? 64 : 1 << 20
    }

    mutating func run() throws {
        for _ in 0..<2 + draw(4) {
            var faults = Self.leavingOut(omission)
            if draw(4) > 0 { faults.killAtCall = 1 + draw(draw(2) == 0 ? 30 : 250) }
            switch draw(6) {
            case 0: faults.failAtCall = 1 + draw(200)
            case 1: faults.freeBytes = draw(torrent.content.count * 2)
            case 2: faults.writesAreShort = true
            default: break
            }
            try session(faults, isLast: false)
            disk.restart(afterPowerCut: draw(3) > 0)
            try checkRecord()
        }
        try session(Self.leavingOut(omission), isLast: true)
        guard disk.content("home/out/" + ResumeFile.partsName(for: torrent.info)) == nil else {
            throw Violation(description: "the part file is left though every file is wanted")
        }
        disk.restart(afterPowerCut: true)
        guard try checkRecord().isSuperset(of: SelectedFiles(allOf: torrent.info).pieces.setIndices) else {
            throw Violation(description: "a finished download is not on record")
        }
    }

    private static func leavingOut(_ omission: Omission) -> MemoryDisk.Faults {
        var faults = MemoryDisk.Faults()
        faults.dataIsNotSynchronized = omission == .dataSync
        faults.foldersAreNotSynchronized = omission == .folderSync
        return faults
    }

    private mutating func draw(_ bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }

    // MARK: One life of the process

    private mutating func session(_ faults: MemoryDisk.Faults, isLast: Bool) throws {
        disk.faults = faults
        let log = EventLog()
        let selection = isLast || draw(2) == 0 ? nil : drawSelection()
        let before = existingFiles()
        var worker = StorageWorker(
            info: torrent.info, directory: "home/out", selection: selection, configuration: configuration,
            shouldStop: StopFlag(), disk: disk
        ) { log.append($0) }
        worker.open()
        worker.reportEvents()
        if let have = log.transcript.opened {
            for piece in have.setIndices { try check(piece, "found at the start") }
        } else if isLast {
            throw Violation(description: "a sound disk could not be opened: \(log.transcript.errors)")
        }
        try download(&worker, isLast: isLast)
        for file in existingFiles().subtracting(before) where selection?.files[file] == false {
            throw Violation(description: "file \(file) came into being, and nobody wanted it")
        }
        // An orderly end, or none at all.
        if isLast || draw(2) == 0 { worker.close() }
        worker.reportEvents()
        let said = log.transcript
        if !disk.isDead { for piece in said.verified { try check(piece, "just verified") } }
        guard said.errors.count <= (isLast ? 0 : 1) else { throw Violation(description: "errors: \(said.errors)") }
    }

    private mutating func download(_ worker: inout StorageWorker, isLast: Bool) throws {
        var checkpoints: [Checkpoint] = []
        let blocks = missingBlocks(worker.have, worker.selection?.pieces ?? SelectedFiles(allOf: torrent.info).pieces)
        let end = isLast || draw(3) == 0 ? blocks.count : draw(blocks.count + 1)
        for (piece, offset, length) in blocks.prefix(end) {
            var bytes = Array(torrent.bytes(piece: piece, offset: offset, length: length))
            if !isLast, draw(100) == 0 { bytes[0] ^= 1 }
            worker.store(piece: piece, offset: offset, ByteBuffer(bytes: bytes))
            switch draw(12) {
            case 0: if let checkpoint = worker.beginCheckpoint() { checkpoints.append(checkpoint) }
            case 1: checkpoints.last?.synchronize()
            case 2: if let checkpoint = checkpoints.popLast() { worker.finish(checkpoint) }
            case 3, 4: worker.finishWhole()
            default: break
            }
        }
    }

    private mutating func drawSelection() -> SelectedFiles {
        let wanted = torrent.info.files.indices.filter { _ in draw(2) == 0 }
        return SelectedFiles(torrent.info) { wanted.contains($0) }
    }

    private func existingFiles() -> Set<Int> {
        Set(torrent.info.files.indices.filter { disk.content(path(of: torrent.info.files[$0])) != nil })
    }

    private func path(of file: Info.File) -> String { "home/out/folder/" + file.path.joined(separator: "/") }

    private mutating func missingBlocks(
        _ have: Bitfield, _ wanted: Bitfield
    ) -> [(piece: Int, offset: Int, length: Int)] {
        let blockLength = 30 + draw(150)
        let blocks = wanted.subtracting(have).setIndices.flatMap { piece in
            let length = torrent.info.length(ofPiece: piece)
            return stride(from: 0, to: length, by: blockLength).map { (piece, $0, min(blockLength, length - $0)) }
        }
        return blocks.shuffled(using: &generator)
    }

    // MARK: What must hold

    /// Every piece on record is on disk; says which there are.
    @discardableResult
    private func checkRecord() throws -> Set<Int> {
        let name = ResumeFile.name(for: torrent.info)
        guard let folder = try? disk.openDirectory("home/out"),
            let file = try? folder.openChild(name, flags: 0),
            let journal = try ResumeJournal(file, named: name, info: torrent.info)
        else { return [] }
        for piece in journal.pieces.setIndices { try check(piece, "on record") }
        return Set(journal.pieces.setIndices)
    }

    private func check(_ piece: Int, _ claim: String) throws {
        for span in torrent.info.spans(piece: piece, offset: 0, length: torrent.info.length(ofPiece: piece)) {
            let file = torrent.info.files[span.file]
            let start = file.offset + span.offset
            let wanted = torrent.content[start..<start + span.length]
            guard !file.isPadding, !has(wanted, in: path(of: file), at: span.offset),
                !has(wanted, in: "home/out/" + ResumeFile.partsName(for: torrent.info), at: start)
            else { continue }
            throw Violation(description: "piece \(piece) is \(claim), and not on disk")
        }
    }

    private func has(_ bytes: ArraySlice<UInt8>, in path: String, at offset: Int) -> Bool {
        guard let content = disk.content(path), content.count >= offset + bytes.count else { return false }
        return content[offset..<offset + bytes.count] == bytes
    }
}

private final class EventLog: Sendable {
    private let events = Mutex<[StorageEvent]>([])

    func append(_ more: [StorageEvent]) {
        events.withLock { $0 += more }
    }

    var transcript: Transcript { Transcript(events: events.withLock { $0 }) }
}
