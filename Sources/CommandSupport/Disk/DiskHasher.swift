import Dispatch
package import Metainfo
package import Primitives
import Synchronization

/// Reads the files of a torrent and hashes its pieces, on several threads.
///
/// Each thread takes the next pieces that nobody has, so that one big file keeps all of them busy. It holds one open
/// file and one buffer, whatever the size of the torrent. Nothing is written.
package final class DiskHasher: Sendable {
    /// What became of one piece.
    package enum Finding: Equatable, Sendable {
        case hash(ID160)
        /// The file with this index is shorter than the torrent says.
        case endsEarly(file: Int)
        case failed(file: Int, errno: CInt)
    }

    /// Pieces are taken in runs of about so many bytes: the disk likes long reads.
    private static let runBytes = 4 << 20

    private let info: Info
    private let paths: [String]
    private let threads: Int
    private let nextRun = Atomic(0)
    private let bytes = Atomic(0)
    private let isStopped = Atomic(false)
    private let findings: Mutex<[Finding?]>

    /// `paths` has one for each file of the torrent; the hashes in `info` are not looked at.
    package init(_ info: Info, paths: [String], threads: Int = DiskHasher.defaultThreads) {
        precondition(paths.count == info.files.count, "one path for each file")
        self.info = info
        self.paths = paths
        self.threads = max(1, threads)
        findings = Mutex(Array(repeating: nil, count: info.pieceCount))
    }

    /// One for each processor; two at least, so that one reads while the other hashes.
    package static var defaultThreads: Int { min(16, max(2, Processors.count)) }

    /// So far, to show how it goes on.
    package var doneBytes: Int { bytes.load(ordering: .relaxed) }

    /// Ends `run` within moments.
    package func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Hashes everything, and is called once; nil when it was stopped.
    package func run() async -> [Finding]? {
        let group = DispatchGroup()
        for _ in 0..<threads { DispatchQueue.global().async(group: group) { self.work() } }
        await withCheckedContinuation { continuation in
            group.notify(queue: .global()) { continuation.resume() }
        }
        return findings.withLock { findings in
            let all = findings.compactMap(\.self)
            return all.count == findings.count ? all : nil
        }
    }

    private func work() {
        var reader = PieceReader(info, paths)
        let piecesPerRun = max(1, Self.runBytes / info.pieceLength)
        while true {
            let first = nextRun.wrappingAdd(1, ordering: .relaxed).oldValue * piecesPerRun
            guard first < info.pieceCount else { return }
            for piece in first..<min(first + piecesPerRun, info.pieceCount) {
                let found = reader.hash(piece) { count in
                    bytes.wrappingAdd(count, ordering: .relaxed)
                    return !isStopped.load(ordering: .relaxed)
                }
                guard let found else { return }
                findings.withLock { $0[piece] = found }
            }
        }
    }
}
