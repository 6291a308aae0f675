import Digest
import Glibc
import NIOCore
import Primitives

/// A piece in the making: which of its bytes are there, in memory or already on disk, and how far it is hashed.
///
/// The hasher's cursor follows the bytes in rounds, in which many pieces are hashed side by side. What is ahead of it
/// waits, in memory or, when memory is short, on disk, from where it is read back once the cursor gets there.
final class PieceAssembly {
    private(set) var piece = 0
    private(set) var length = 0
    /// Ordered, without overlap.
    private(set) var parts: [Part] = []
    private(set) var bufferedBytes = 0
    /// Bytes of `parts`.
    private var coveredBytes = 0
    /// The hasher's cursor: bytes before it are hashed, or will be in this round.
    private(set) var hashedBytes = 0
    /// Index of the part that starts at the cursor, or would.
    private var cursorIndex = 0
    let hasher = SHA1Stream()

    struct Part {
        /// Where in the piece it starts.
        let offset: Int
        let length: Int
        /// Nil when the bytes are on disk.
        let buffer: ByteBuffer?

        var end: Int { offset + length }

        /// `range` is in bytes of the piece and lies within the part.
        func slice(_ range: Range<Int>) -> Part {
            let start = (buffer?.readerIndex ?? 0) + range.lowerBound - offset
            return Part(
                offset: range.lowerBound, length: range.count,
                buffer: buffer.flatMap { $0.getSlice(at: start, length: range.count) })
        }

        /// Valid as long as the part is kept.
        func vector(from start: Int, length: Int) -> iovec {
            guard let buffer else { preconditionFailure("bytes that are on disk are not written again") }
            return buffer.withUnsafeReadableBytes { bytes in
                iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress! + (start - offset)), iov_len: length)
            }
        }
    }

    func begin(piece: Int, length: Int) {
        self.piece = piece
        self.length = length
    }

    /// Lets go of everything and is ready for another piece.
    func end() {
        hasher.reset()
        parts.removeAll(keepingCapacity: true)
        bufferedBytes = 0
        coveredBytes = 0
        hashedBytes = 0
        cursorIndex = 0
    }

    var isWhole: Bool { coveredBytes == length }

    /// Keeps those of the bytes that are not there yet, and says how many they were.
    func insert(_ bytes: ByteBuffer, at offset: Int) -> Int {
        let before = coveredBytes
        if offset >= parts.last?.end ?? 0 {
            add(bytes, at: offset, index: parts.count)
        } else {
            fillGaps(with: bytes, at: offset)
        }
        let kept = coveredBytes - before
        bufferedBytes += kept
        return kept
    }

    /// Lets go of bytes that are to come again, and says how many of them were in memory.
    func remove(_ range: Range<Int>) -> Int {
        var kept: [Part] = []
        var dropped = 0
        for part in parts {
            guard part.offset < range.upperBound, part.end > range.lowerBound else {
                kept.append(part)
                continue
            }
            let inside = max(part.offset, range.lowerBound)..<min(part.end, range.upperBound)
            kept += [part.slice(part.offset..<inside.lowerBound), part.slice(inside.upperBound..<part.end)]
                .filter { $0.length > 0 }
            coveredBytes -= inside.count
            if part.buffer != nil { dropped += inside.count }
        }
        parts = kept
        bufferedBytes -= dropped
        if hashedBytes > range.lowerBound {
            hasher.reset()
            hashedBytes = 0
        }
        cursorIndex = parts.firstIndex { $0.end > hashedBytes } ?? parts.count
        return dropped
    }

    /// Counts a stretch as on disk already, before any byte has come: it must lie behind all others.
    func isOnDisk(offset: Int, length: Int) {
        parts.append(Part(offset: offset, length: length, buffer: nil))
        coveredBytes += length
    }

    /// Gives the hasher what is in memory at the cursor; returns what must be read back from disk to go on.
    ///
    /// To be hashed before anything here is let go of.
    func feedBuffered() -> Range<Int>? {
        while cursorIndex < parts.count, parts[cursorIndex].offset <= hashedBytes {
            let part = parts[cursorIndex]
            guard let buffer = part.buffer else {
                if part.end > hashedBytes { return hashedBytes..<part.end }
                cursorIndex += 1
                continue
            }
            // The storage of a buffer moves only when it is written to, and a part never is.
            buffer.withUnsafeReadableBytes { hasher.append($0) }
            hashedBytes = part.end
            cursorIndex += 1
        }
        return nil
    }

    /// Gives the hasher bytes read back: those at the cursor.
    func feed(_ bytes: UnsafeRawBufferPointer) {
        hasher.append(bytes)
        hashedBytes += bytes.count
    }

    /// The digest of the whole piece, once its last byte is hashed.
    func finishHash() -> ID160 {
        precondition(hashedBytes == length, "the piece is not hashed to its end")
        return hasher.finish()
    }

    /// Stretches of parts in memory that follow each other without a gap.
    var bufferedRuns: [ArraySlice<Part>] {
        var runs: [ArraySlice<Part>] = []
        var start = 0
        for index in parts.indices {
            if parts[index].buffer == nil {
                if start < index { runs.append(parts[start..<index]) }
                start = index + 1
            } else if index > start, parts[index].offset != parts[index - 1].end {
                runs.append(parts[start..<index])
                start = index
            }
        }
        if start < parts.count { runs.append(parts[start...]) }
        return runs
    }

    /// Lets go of the memory: everything there is on disk now.
    func noteWritten() {
        var written: [Part] = []
        for part in parts {
            if let last = written.last, last.end == part.offset {
                written[written.count - 1] = Part(offset: last.offset, length: last.length + part.length, buffer: nil)
            } else {
                written.append(Part(offset: part.offset, length: part.length, buffer: nil))
            }
        }
        parts = written
        bufferedBytes = 0
        cursorIndex = parts.firstIndex { $0.end > hashedBytes } ?? parts.count
    }

    private func add(_ buffer: ByteBuffer, at offset: Int, index: Int) {
        let part = Part(offset: offset, length: buffer.readableBytes, buffer: buffer)
        guard part.length > 0 else { return }
        if index == parts.count { parts.append(part) } else { parts.insert(part, at: index) }
        coveredBytes += part.length
    }

    private func fillGaps(with bytes: ByteBuffer, at offset: Int) {
        var start = offset
        let end = offset + bytes.readableBytes
        var index = firstPart(endingAfter: start)
        while start < end {
            let next = index < parts.count ? parts[index] : nil
            if let next, next.offset <= start {
                start = next.end
                index += 1
                continue
            }
            let gapEnd = min(end, next?.offset ?? end)
            let slice = bytes.getSlice(at: bytes.readerIndex + start - offset, length: gapEnd - start)
            guard let slice else { preconditionFailure("a slice within the readable bytes") }
            add(slice, at: start, index: index)
            start = gapEnd
            index += 1
        }
    }

    private func firstPart(endingAfter position: Int) -> Int {
        var low = 0
        var high = parts.count
        while low < high {
            let middle = (low + high) / 2
            if parts[middle].end <= position { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
