import Digest
import Glibc
import Metainfo
import NIOCore
import Primitives

/// From chunks to verified pieces.
extension StorageWorker {
    mutating func store(piece: Int, offset: Int, _ bytes: ByteBuffer) {
        guard phase == .writable, !have[piece] else { return release(bytes.readableBytes) }
        let assembly = assembly(for: piece)
        let kept = assembly.insert(bytes, at: offset)
        bufferedBytes += kept
        release(bytes.readableBytes - kept)
        if kept > 0, assembly.isWhole { whole.append(assembly) }
        do throws(StorageError) {
            if isRoundDue { try finishRound() }
            try relieveMemory(assembly)
        } catch {
            fail(error)
        }
    }

    /// Bytes of a piece in the making were given by a peer that did not finish their block: they are to come again.
    mutating func forget(piece: Int, offset: Int, length: Int) {
        guard phase == .writable, !have[piece], let assembly = assemblies[piece], !assembly.isWhole else { return }
        var start = offset
        for span in info.spans(piece: piece, offset: offset, length: length) {
            defer { start += span.length }
            guard !info.files[span.file].isPadding else { continue }
            let dropped = assembly.remove(start..<start + span.length)
            bufferedBytes -= dropped
            release(dropped)
        }
    }

    /// Enough to fill the lanes of the hasher, or too much to hold.
    private var isRoundDue: Bool {
        let isFull = whole.count >= SHA1Lanes.count || bufferedBytes > configuration.maxBufferedBytes
        return !whole.isEmpty && (isFull || configuration.companySeconds <= 0)
    }

    /// Whether whole pieces wait, and more may come to keep them company.
    var awaitsCompany: Bool { !whole.isEmpty && have.setCount + whole.count < info.pieceCount }

    /// Verifies and writes the pieces that are whole.
    mutating func finishWhole() {
        guard !whole.isEmpty else { return }
        do throws(StorageError) {
            try finishRound()
        } catch {
            fail(error)
        }
    }

    private mutating func finishRound() throws(StorageError) {
        try hash(Array(assemblies.values))
        let finished = whole
        whole.removeAll(keepingCapacity: true)
        for assembly in finished { try finish(assembly) }
    }

    private mutating func assembly(for piece: Int) -> PieceAssembly {
        if let assembly = assemblies[piece] { return assembly }
        let assembly = spareAssemblies.popLast() ?? PieceAssembly()
        assembly.begin(piece: piece, length: info.length(ofPiece: piece))
        if files.hasDetours { skipPadding(assembly) }
        assemblies[piece] = assembly
        return assembly
    }

    /// Padding is zeros, whatever a peer says; it reads as such, and need not come.
    private func skipPadding(_ assembly: PieceAssembly) {
        var offset = 0
        for span in info.spans(piece: assembly.piece, offset: 0, length: assembly.length) {
            if info.files[span.file].isPadding { assembly.isOnDisk(offset: offset, length: span.length) }
            offset += span.length
        }
    }

    /// As far as their bytes go, side by side.
    private mutating func hash(_ assemblies: [PieceAssembly]) throws(StorageError) {
        let interrupted = assemblies.filter { $0.feedBuffered() != nil }
        lanes.hash(assemblies.lazy.map(\.hasher))
        for assembly in interrupted {
            while let range = assembly.feedBuffered() {
                lanes.hash(CollectionOfOne(assembly.hasher))
                let target = scratch.prefix(range.count)
                guard try files.read(piece: assembly.piece, offset: range.lowerBound, into: target) else {
                    // We wrote these bytes, so somebody has cut the file short.
                    throw .other(path: pathText(ofPiece: assembly.piece), errno: EIO)
                }
                assembly.feed(UnsafeRawBufferPointer(target))
                lanes.hash(CollectionOfOne(assembly.hasher))
            }
            lanes.hash(CollectionOfOne(assembly.hasher))
        }
    }

    private mutating func finish(_ assembly: PieceAssembly) throws(StorageError) {
        let piece = assembly.piece
        if assembly.finishHash() == info.hash(ofPiece: piece) {
            for run in assembly.bufferedRuns { try files.write(piece: piece, run) }
            have[piece] = true
            noteVerified(piece)
            emit(.pieceVerified(piece))
        } else {
            emit(.pieceFailed(piece, blocks: try digests(of: assembly)))
        }
        assemblies[piece] = nil
        bufferedBytes -= assembly.bufferedBytes
        release(assembly.bufferedBytes)
        assembly.end()
        if spareAssemblies.count < StorageWorker.maxSpareAssemblies { spareAssemblies.append(assembly) }
    }

    /// Tells the digests of a verified piece's blocks; nothing if it cannot be read.
    mutating func digestBlocks(of piece: Int) {
        guard have[piece] else { return }
        var digests: [UInt64] = []
        let length = info.length(ofPiece: piece)
        for start in stride(from: 0, to: length, by: StorageWorker.blockBytes) {
            let target = scratch.prefix(min(StorageWorker.blockBytes, length - start))
            do throws(StorageError) {
                guard try files.read(piece: piece, offset: start, into: target) else { return }
            } catch {
                return
            }
            blockHasher.update(UnsafeRawBufferPointer(target))
            digests.append(blockHasher.finish().high)
        }
        emit(.blocksDigested(piece, digests))
    }

    private mutating func digests(of assembly: PieceAssembly) throws(StorageError) -> [UInt64] {
        var digests: [UInt64] = []
        for start in stride(from: 0, to: assembly.length, by: StorageWorker.blockBytes) {
            let end = min(assembly.length, start + StorageWorker.blockBytes)
            for part in assembly.parts where part.end > start && part.offset < end {
                let range = max(start, part.offset)..<min(end, part.end)
                guard let buffer = part.buffer else {
                    let target = scratch.prefix(range.count)
                    _ = try files.read(piece: assembly.piece, offset: range.lowerBound, into: target)
                    blockHasher.update(UnsafeRawBufferPointer(target))
                    continue
                }
                buffer.withUnsafeReadableBytes { bytes in
                    let inside = range.lowerBound - part.offset..<range.upperBound - part.offset
                    blockHasher.update(UnsafeRawBufferPointer(rebasing: bytes[inside]))
                }
            }
            digests.append(blockHasher.finish().high)
        }
        return digests
    }

    /// What peers ask for and give as one (BEP 3).
    private static let blockBytes = 16 << 10

    private static let maxSpareAssemblies = 64

    /// Writes early what is too much to hold, so that pieces that nobody completes never hold all memory.
    private mutating func relieveMemory(_ assembly: PieceAssembly) throws(StorageError) {
        if assembly.bufferedBytes > configuration.maxBufferedBytesPerPiece { try flush(assembly) }
        while bufferedBytes > configuration.maxBufferedBytes, let largest = largestAssembly {
            try flush(largest)
        }
    }

    private var largestAssembly: PieceAssembly? {
        assemblies.values.max { ($0.bufferedBytes, $1.piece) < ($1.bufferedBytes, $0.piece) }
    }

    private mutating func flush(_ assembly: PieceAssembly) throws(StorageError) {
        try hash([assembly])
        for run in assembly.bufferedRuns { try files.write(piece: assembly.piece, run) }
        bufferedBytes -= assembly.bufferedBytes
        release(assembly.bufferedBytes)
        assembly.noteWritten()
    }

    func pathText(ofPiece piece: Int) -> String {
        let spans = info.spans(piece: piece, offset: 0, length: info.length(ofPiece: piece))
        return spans.first.map { files.pathText(ofFile: $0.file) } ?? files.folder.path
    }
}
