import Digest
import Dispatch
import Glibc
import Metainfo
import Primitives
import Synchronization

/// Hashes pieces on disk, on several threads: each takes the next stretch of them until there is none.
final class PieceCheck: Sendable {
    private let info: Info
    private let sizes: [Int?]
    private let pieces: [Int]
    private let shouldStop: StopFlag
    /// Once false is found the rest does not matter.
    private let needsAll: Bool
    private let state: Mutex<State>
    private let report: @Sendable ([StorageEvent]) -> Void

    private struct State {
        /// Index into `pieces`.
        var next = 0
        var checked: Int
        var bytesSinceReport = 0
        var good: Bitfield
        /// The first piece that is wrong or not there, and the first failure.
        var firstBad: Int?
        var failure: StorageError?
    }

    /// Counts `checked` pieces as done already.
    init(
        _ pieces: [Int], of info: Info, sizes: [Int?], needsAll: Bool = false, checked: Int = 0, shouldStop: StopFlag,
        report: @escaping @Sendable ([StorageEvent]) -> Void
    ) {
        self.pieces = pieces
        self.info = info
        self.sizes = sizes
        self.needsAll = needsAll
        self.shouldStop = shouldStop
        self.report = report
        state = Mutex(State(checked: checked, good: Bitfield(count: info.pieceCount)))
    }

    /// What was found, and the first piece of those that were not good.
    func run(_ files: inout TorrentFiles, disk: any Disk, threads: Int) throws(StorageError) -> (
        good: Bitfield, firstBad: Int?
    ) {
        let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let threads = min(threads, processors, (pieces.count + stretch - 1) / stretch)
        if threads <= 1 {
            work(&files)
        } else {
            let copy = files.copies(maxOpenFiles: max(1, Self.maxOpenFiles / threads), disk: disk)
            DispatchQueue.concurrentPerform(iterations: threads) { _ in
                var files = copy()
                self.work(&files)
            }
        }
        let (good, bad, failure) = state.withLock { ($0.good, $0.firstBad, $0.failure) }
        if let failure { throw failure }
        return (good, bad)
    }

    /// All threads together.
    private static let maxOpenFiles = 64

    /// Pieces that a thread takes at once: 16 MiB of them, so that the disk reads on and nobody waits for the last.
    private var stretch: Int { max(1, (16 << 20) / info.pieceLength) }

    private func take() -> ArraySlice<Int>? {
        state.withLock { state in
            let isOver = state.failure != nil || (needsAll && state.firstBad != nil)
            guard !isOver, state.next < pieces.count else { return nil }
            let end = min(pieces.count, state.next + stretch)
            defer { state.next = end }
            return pieces[state.next..<end]
        }
    }

    private func work(_ files: inout TorrentFiles) {
        var lane = PieceHashing(info: info, sizes: sizes)
        do throws(StorageError) {
            while let stretch = take() {
                for piece in stretch {
                    if shouldStop.isSet { return }
                    note(piece, isGood: try lane.isOnDisk(piece, &files))
                }
            }
        } catch {
            let failure = error
            state.withLock { $0.failure = $0.failure ?? failure }
        }
    }

    private func note(_ piece: Int, isGood: Bool) {
        state.withLock { state in
            state.good[piece] = isGood
            if !isGood { state.firstBad = min(piece, state.firstBad ?? piece) }
            state.checked += 1
            state.bytesSinceReport += info.length(ofPiece: piece)
            guard state.bytesSinceReport >= 64 << 20 else { return }
            state.bytesSinceReport = 0
            // Within the lock, so that the numbers only grow.
            report([.checking(pieces: state.checked)])
        }
    }
}

/// What one thread of a check carries along.
private struct PieceHashing {
    let info: Info
    let sizes: [Int?]
    private let hasher = SHA1()
    private let scratch = ScratchBuffer(byteCount: 1 << 20)
    private var lastZeroHash: (length: Int, hash: ID160)?

    init(info: Info, sizes: [Int?]) {
        self.info = info
        self.sizes = sizes
    }

    mutating func isOnDisk(_ piece: Int, _ files: inout TorrentFiles) throws(StorageError) -> Bool {
        let length = info.length(ofPiece: piece)
        let spans = files.stretches(piece: piece, offset: 0, length: length)
        for span in spans where !files.isPadding(span.file) {
            guard let size = sizes[span.file], size >= span.offset + span.length else { return false }
        }
        for span in spans where try !files.isHole(span) {
            return try hashOnDisk(piece, &files) == info.hash(ofPiece: piece)
        }
        // Never written, or zeros that the file system did not care to store.
        return zeroHash(length: length) == info.hash(ofPiece: piece)
    }

    /// Nil when a file became shorter meanwhile.
    private func hashOnDisk(_ piece: Int, _ files: inout TorrentFiles) throws(StorageError) -> ID160? {
        let length = info.length(ofPiece: piece)
        var offset = 0
        while offset < length {
            let target = scratch.prefix(length - offset)
            guard try files.read(piece: piece, offset: offset, into: target) else {
                _ = hasher.finish()
                return nil
            }
            hasher.update(UnsafeRawBufferPointer(target))
            offset += target.count
        }
        return hasher.finish()
    }

    /// The hash of a piece of zeros, computed once for all pieces that are holes.
    private mutating func zeroHash(length: Int) -> ID160 {
        if let lastZeroHash, lastZeroHash.length == length { return lastZeroHash.hash }
        var left = length
        while left > 0 {
            let zeros = scratch.prefix(left)
            zeros.initializeMemory(as: UInt8.self, repeating: 0)
            hasher.update(UnsafeRawBufferPointer(zeros))
            left -= zeros.count
        }
        let hash = hasher.finish()
        lastZeroHash = (length, hash)
        return hash
    }
}
