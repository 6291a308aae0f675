import Digest
import Glibc
import Metainfo
import Primitives

/// From what is in the output folder to the pieces that need not be fetched.
extension StorageWorker {
    mutating func open() {
        if !files.layout.repairs.isEmpty { emit(.repaired(files.layout.repairs)) }
        do throws(StorageError) {
            if try takeMarker() {
                try resume()
            } else if let foreign = try firstExistingFile() {
                try adoptForeignCopy(firstFile: foreign)
            } else {
                try claim()
            }
            if phase != .opening { emit(.opened(have: have)) }
        } catch {
            fail(error)
        }
    }

    /// Looks for the marker of an earlier run, and locks it; false: there is none.
    private mutating func takeMarker() throws(StorageError) -> Bool {
        guard let folder = try files.folder.open(creating: false) else { return false }
        let name = ResumeFile.name(for: info)
        let path = files.folder.text([name])
        let descriptor: Descriptor
        let file: ResumeFile?
        do {
            descriptor = try folder.openChild(name, flags: O_RDONLY)
            file = try ResumeFile.read(descriptor)
        } catch {
            if error.code == ENOENT { return false }
            throw StorageError(error, path: path)
        }
        guard file?.info == info else { throw .foreignResumeFile(path: path) }
        guard descriptor.lock() else { throw .locked(path: path) }
        marker = descriptor
        return true
    }

    /// Nothing is there: says that what comes is ours, before the first of it exists.
    private mutating func claim() throws(StorageError) {
        guard let folder = try files.folder.open(creating: true) else { return }
        let name = ResumeFile.name(for: info)
        let path = files.folder.text([name])
        do {
            marker = try ResumeFile.write(ResumeFile(info: info), named: name, in: folder)
        } catch {
            throw StorageError(error, path: path)
        }
        guard marker != nil else { throw .locked(path: path) }
        try createEmptyFiles()
        phase = .writable
    }

    private mutating func resume() throws(StorageError) {
        var sizes: [Int?] = []
        for file in info.files.indices { sizes.append(try files.size(ofFile: file)) }
        try createEmptyFiles()
        if sizes.contains(where: { $0 != nil }) {
            var check = DiskCheck()
            beginReport()
            for piece in 0..<info.pieceCount {
                if shouldStop.isSet { return }
                have[piece] = try isOnDisk(piece, sizes: sizes, &check)
                reportProgress(of: &check, pieces: piece + 1)
            }
        }
        phase = .writable
    }

    private mutating func createEmptyFiles() throws(StorageError) {
        for file in info.files.indices where info.files[file].length == 0 {
            if try files.size(ofFile: file) == nil { try files.create(file: file) }
        }
    }

    private mutating func firstExistingFile() throws(StorageError) -> Int? {
        guard try files.folder.status(of: [files.layout.name]) != nil else { return nil }
        for file in info.files.indices where try files.size(ofFile: file) != nil { return file }
        return nil
    }

    /// Without a marker, what is there is not ours: it is read and never written, and it must be all of the torrent.
    private mutating func adoptForeignCopy(firstFile: Int) throws(StorageError) {
        var sizes: [Int?] = []
        for (index, file) in info.files.enumerated() {
            let size = try files.size(ofFile: index)
            guard size == file.length || (size == nil && file.length == 0) else {
                throw .foreignFile(path: files.pathText(ofFile: size == nil ? firstFile : index))
            }
            sizes.append(size)
        }
        var check = DiskCheck()
        beginReport()
        for piece in 0..<info.pieceCount {
            if shouldStop.isSet { return }
            guard try isOnDisk(piece, sizes: sizes, &check) else {
                have = Bitfield(count: info.pieceCount)
                throw .foreignFile(path: pathText(ofPiece: piece))
            }
            have[piece] = true
            reportProgress(of: &check, pieces: piece + 1)
        }
        phase = .complete
    }

    private mutating func beginReport() {
        emit(.checking(pieces: 0))
        reportEvents()
    }

    private mutating func reportProgress(of check: inout DiskCheck, pieces: Int) {
        guard check.bytesSinceReport >= 64 << 20 else { return }
        check.bytesSinceReport = 0
        emit(.checking(pieces: pieces))
        reportEvents()
    }

    private mutating func isOnDisk(_ piece: Int, sizes: [Int?], _ check: inout DiskCheck) throws(StorageError) -> Bool {
        let length = info.length(ofPiece: piece)
        let spans = info.spans(piece: piece, offset: 0, length: length)
        for span in spans {
            guard let size = sizes[span.file], size >= span.offset + span.length else { return false }
        }
        for span in spans where try !files.isHole(span) {
            return try hashOnDisk(piece, &check) == info.hash(ofPiece: piece)
        }
        // Never written, or zeros that the file system did not care to store.
        return check.zeroHash(length: length, scratch) == info.hash(ofPiece: piece)
    }

    /// Nil when a file became shorter meanwhile.
    private mutating func hashOnDisk(_ piece: Int, _ check: inout DiskCheck) throws(StorageError) -> ID160? {
        let length = info.length(ofPiece: piece)
        var offset = 0
        while offset < length {
            let target = scratch.prefix(length - offset)
            guard try files.read(piece: piece, offset: offset, into: target) else {
                _ = check.hasher.finish()
                return nil
            }
            check.hasher.update(UnsafeRawBufferPointer(target))
            offset += target.count
        }
        check.bytesSinceReport += length
        return check.hasher.finish()
    }
}

/// What one pass over the files on disk carries along.
private struct DiskCheck {
    let hasher = SHA1()
    var bytesSinceReport = 0
    private var lastZeroHash: (length: Int, hash: ID160)?

    /// The hash of a piece of zeros, computed once for all pieces that are holes.
    mutating func zeroHash(length: Int, _ scratch: ScratchBuffer) -> ID160 {
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
