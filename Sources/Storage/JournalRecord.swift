import Digest
import Metainfo
import Primitives

/// One entry of the resume journal: these pieces are on disk, and the files with parts of them looked like this.
///
/// All numbers are big-endian: length of the body (4), body, checksum (20). The body: number of runs (4); for each its
/// first piece (4) and how many they are (4); then to its end for each stamp the file's index (4), its size (8) and the
/// time of its last change (8); the index behind the last file is that of the part file. The checksum is the SHA-1 of
/// the checksum before, the length and the body: a record counts only behind those that it was written behind, so
/// nothing left over from an earlier time ever does.
struct JournalRecord: Equatable {
    var runs: [Range<Int>] = []
    var stamps: [(file: Int, stamp: FileStamp)] = []

    var pieceCount: Int { runs.reduce(0) { $0 + $1.count } }

    static let overheadBytes = 4 + 4 + ID160.byteCount
    private static let runBytes = 8
    private static let stampBytes = 20

    /// Pieces in order, none twice.
    init(pieces: some Sequence<Int>, stamps: [(file: Int, stamp: FileStamp)]) {
        self.stamps = stamps
        for piece in pieces {
            if let last = runs.last, last.upperBound == piece {
                runs[runs.count - 1] = last.lowerBound..<piece + 1
            } else {
                runs.append(piece..<piece + 1)
            }
        }
    }

    /// Reads the record that begins at `offset`; nil when it is torn, damaged, or speaks of what the torrent lacks.
    init?(_ bytes: RawSpan, at offset: Int, chain: ID160, info: Info) {
        let left = bytes.byteCount - offset
        guard left >= Self.overheadBytes else { return nil }
        let length = Int(bytes.bigEndian(at: offset, as: UInt32.self))
        guard length >= 4, length <= left - 4 - ID160.byteCount else { return nil }
        let end = offset + 4 + length
        guard Self.checksum(bytes.extracting(offset..<end), after: chain) == ID160(bytes, at: end) else { return nil }
        let runCount = Int(bytes.bigEndian(at: offset + 4, as: UInt32.self))
        let runsEnd = offset + 8 + runCount * Self.runBytes
        guard runsEnd <= end, (end - runsEnd).isMultiple(of: Self.stampBytes) else { return nil }
        for start in stride(from: offset + 8, to: runsEnd, by: Self.runBytes) {
            let first = Int(bytes.bigEndian(at: start, as: UInt32.self))
            let count = Int(bytes.bigEndian(at: start + 4, as: UInt32.self))
            guard first >= runs.last?.upperBound ?? 0, count > 0, first + count <= info.pieceCount else { return nil }
            runs.append(first..<first + count)
        }
        for start in stride(from: runsEnd, to: end, by: Self.stampBytes) {
            let file = Int(bytes.bigEndian(at: start, as: UInt32.self))
            guard file <= info.files.count else { return nil }
            let size = Int(truncatingIfNeeded: bytes.bigEndian(at: start + 4, as: UInt64.self))
            let modified = bytes.bigEndian(at: start + 12, as: Int64.self)
            stamps.append((file, FileStamp(size: size, modified: modified)))
        }
    }

    /// The record's bytes, and the checksum for the next one to follow.
    func encoded(after chain: ID160) -> (bytes: [UInt8], chain: ID160) {
        let length = 4 + runs.count * Self.runBytes + stamps.count * Self.stampBytes
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 + length + ID160.byteCount)
        bytes.appendBigEndian(UInt32(length))
        bytes.appendBigEndian(UInt32(runs.count))
        for run in runs {
            bytes.appendBigEndian(UInt32(run.lowerBound))
            bytes.appendBigEndian(UInt32(run.count))
        }
        for (file, stamp) in stamps {
            bytes.appendBigEndian(UInt32(file))
            bytes.appendBigEndian(UInt64(truncatingIfNeeded: stamp.size))
            bytes.appendBigEndian(stamp.modified)
        }
        let checksum = Self.checksum(bytes.span.bytes, after: chain)
        checksum.append(to: &bytes)
        return (bytes, checksum)
    }

    private static func checksum(_ bytes: RawSpan, after chain: ID160) -> ID160 {
        let hasher = SHA1()
        chain.bytes.withUnsafeBytes { hasher.update($0) }
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.finish()
    }

    static func == (left: JournalRecord, right: JournalRecord) -> Bool {
        left.runs == right.runs && left.stamps.elementsEqual(right.stamps) { $0 == $1 }
    }
}
