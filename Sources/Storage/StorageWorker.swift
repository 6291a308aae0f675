import Digest
import Metainfo
import NIOCore
import Primitives
import Synchronization

/// What a `TorrentStorage` does, one command at a time: made by `open`, gone after `close`.
struct StorageWorker {
    let info: Info
    /// Nil: all files are wanted.
    let selection: SelectedFiles?
    let configuration: StorageConfiguration
    let shouldStop: StopFlag
    let disk: any Disk
    var files: TorrentFiles
    var phase = Phase.opening
    /// The pieces that are on disk and verified.
    var have: Bitfield
    /// Holds the lock on the data; nil for a copy that we did not make.
    var journal: ResumeJournal?
    /// Verified, and not on record yet.
    var pending: [Int] = []
    var pendingBytes = 0
    /// A batch that is being synchronized.
    var checkpoint: Checkpoint?
    var assemblies: [Int: PieceAssembly] = [:]
    /// Whole ones that wait for company, to be hashed side by side; in the order in which they became whole.
    var whole: [PieceAssembly] = []
    var lanes = SHA1Lanes()
    /// Finished ones, to be used again: each has a hasher and room for parts.
    var spareAssemblies: [PieceAssembly] = []
    /// Bytes in memory, in all assemblies.
    var bufferedBytes = 0
    let scratch = ScratchBuffer(byteCount: 1 << 20)
    /// For blocks that are passed on in pipes.
    let headPages = HeadPages()
    /// Pipes in a row that could not be filled.
    var pipeFailures = 0
    /// For blocks of pieces that failed, which few downloads have.
    lazy var blockHasher = SHA1()
    private var events: [StorageEvent] = []
    private var releasedBytes = 0
    let report: @Sendable ([StorageEvent]) -> Void

    enum Phase {
        /// Becomes writable, complete or failed.
        case opening
        /// Takes pieces. Becomes failed when they cannot be written.
        case writable
        /// A complete copy that we did not make: only read, and final.
        case complete
        /// Takes nothing any more, serves what it has; final.
        case failed
    }

    init(
        info: Info, directory: String, selection: SelectedFiles? = nil, configuration: StorageConfiguration,
        shouldStop: StopFlag,
        disk: any Disk, report: @escaping @Sendable ([StorageEvent]) -> Void
    ) {
        self.info = info
        self.selection = selection
        self.configuration = configuration
        self.shouldStop = shouldStop
        self.disk = disk
        self.report = report
        files = TorrentFiles(
            info: info, directory: directory, maxOpenFiles: configuration.maxOpenFiles, disk: disk)
        have = Bitfield(count: info.pieceCount)
    }

    /// Drops what is incomplete and brings what is whole and right to the disk and on record.
    mutating func close() {
        finishWhole()
        dropAssemblies()
        do throws(StorageError) {
            if phase == .writable { try recordEverything() }
        } catch {
            fail(error)
        }
        reportEvents()
    }

    mutating func emit(_ event: StorageEvent) {
        events.append(event)
        if events.count >= 64 { reportEvents() }
    }

    /// Bytes are no longer held; told in time to lift back-pressure while a long batch is still at work.
    mutating func release(_ byteCount: Int) {
        releasedBytes += byteCount
        if releasedBytes >= 1 << 20 { reportEvents() }
    }

    mutating func reportEvents() {
        if releasedBytes > 0 { events.append(.released(bytes: releasedBytes)) }
        releasedBytes = 0
        guard !events.isEmpty else { return }
        report(events)
        events.removeAll(keepingCapacity: true)
    }

    /// Ends storing: what is incomplete is dropped, what is verified stays and goes on record if that is possible.
    mutating func fail(_ error: StorageError) {
        guard phase != .failed else { return }
        let wasWritable = phase == .writable
        phase = .failed
        dropAssemblies()
        // One failure is told, the first; what can still be recorded is.
        if wasWritable { try? recordEverything() }
        emit(.failed(error))
    }

    private mutating func dropAssemblies() {
        assemblies.removeAll()
        whole.removeAll()
        spareAssemblies.removeAll()
        release(bufferedBytes)
        bufferedBytes = 0
    }
}

/// Set from outside to end a long check of what is on disk.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() { flag.store(true, ordering: .relaxed) }
}

/// Memory for reading back, which few downloads need.
final class ScratchBuffer {
    private let byteCount: Int
    private var allocated: UnsafeMutableRawBufferPointer?

    init(byteCount: Int) {
        self.byteCount = byteCount
    }

    deinit {
        allocated?.deallocate()
    }

    var bytes: UnsafeMutableRawBufferPointer {
        if let allocated { return allocated }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        allocated = bytes
        return bytes
    }

    /// The first `count` bytes, or all.
    func prefix(_ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: bytes[..<min(count, byteCount)])
    }
}
