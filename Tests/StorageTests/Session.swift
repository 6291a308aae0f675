import Metainfo
import NIOCore
import Primitives
import Storage
import Synchronization

/// A storage at work, and what it said.
final class Session: Sendable {
    let torrent: TestTorrent
    let storage: TorrentStorage
    private let log: Log

    private final class Log: Sendable {
        let events = Mutex<[StorageEvent]>([])
    }

    init(
        _ torrent: TestTorrent, in directory: String, selection: SelectedFiles? = nil,
        configuration: StorageConfiguration = StorageConfiguration(), waitsForCompany: Bool = false
    ) {
        let log = Log()
        self.torrent = torrent
        self.log = log
        var configuration = configuration
        // What is asked for is done before what is asked for next.
        if !waitsForCompany { configuration.companySeconds = 0 }
        storage = TorrentStorage(
            info: torrent.info, directory: directory, selection: selection, configuration: configuration
        ) { events in
            log.events.withLock { $0 += events }
        }
        storage.open()
    }

    /// Stores a whole piece in blocks, in the order given.
    func store(piece: Int, blockLength: Int = 100, reversed: Bool = false) {
        let length = torrent.info.length(ofPiece: piece)
        let starts = Array(stride(from: 0, to: length, by: blockLength))
        for start in reversed ? starts.reversed() : starts {
            store(piece: piece, offset: start, length: min(blockLength, length - start))
        }
    }

    func storeAll(blockLength: Int = 100) {
        for piece in 0..<torrent.info.pieceCount { store(piece: piece, blockLength: blockLength) }
    }

    func store(piece: Int, offset: Int, length: Int, damaged: Bool = false) {
        var bytes = Array(torrent.bytes(piece: piece, offset: offset, length: length))
        if damaged { bytes[0] ^= 1 }
        storage.store(piece: piece, offset: offset, ByteBuffer(bytes: bytes))
    }

    /// Closes once the check of what is on disk is over, and returns everything that was said.
    @discardableResult
    func close() async -> Transcript {
        _ = await transcript { $0.opened != nil || !$0.errors.isEmpty }
        await withCheckedContinuation { continuation in
            storage.close { continuation.resume() }
        }
        return Transcript(events: log.events.withLock { $0 })
    }

    /// Waits until everything asked for so far is done.
    func settle() async -> Transcript {
        let tag = UInt64.max
        storage.read(piece: 0, offset: 0, length: 0, tag: tag)
        return await transcript { $0.reads[tag] != nil }
    }

    func transcript(until isDone: (Transcript) -> Bool) async -> Transcript {
        while true {
            let transcript = Transcript(events: log.events.withLock { $0 })
            if isDone(transcript) { return transcript }
            try? await Task.sleep(for: .milliseconds(1))
        }
    }
}

extension TorrentStorage {
    func read(piece: Int, offset: Int, length: Int, tag: UInt64) {
        read([BlockRead(piece: piece, offset: offset, length: length)], tag: tag)
    }
}

/// Events by kind.
struct Transcript {
    var opened: Bitfield?
    var verified: [Int] = []
    var failed: [Int] = []
    var failedBlocks: [Int: [UInt64]] = [:]
    var digested: [Int: [UInt64]] = [:]
    var released = 0
    var errors: [StorageError] = []
    var repairs: [PathRepair] = []
    var reads: [UInt64: Result<ByteBuffer, StorageError>] = [:]
    var piped: [UInt64] = []

    init(events: [StorageEvent]) {
        for event in events {
            switch event {
            case .repaired(let repairs): self.repairs += repairs
            case .checking: break
            case .opened(let have): opened = have
            case .pieceVerified(let piece): verified.append(piece)
            case .pieceFailed(let piece, let blocks):
                failed.append(piece)
                failedBlocks[piece] = blocks
            case .blocksDigested(let piece, let blocks): digested[piece] = blocks
            case .released(let bytes): released += bytes
            case .blocksRead(let tag, let bytes, let failed):
                reads[tag] = failed[0].map { .failure($0) } ?? .success(bytes)
            case .blocksPiped(let tag): piped.append(tag)
            case .failed(let error): errors.append(error)
            }
        }
    }
}
