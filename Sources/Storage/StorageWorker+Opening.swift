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
        let file: any DiskFile
        let isWritable: Bool
        do {
            guard let opened = try openMarker(in: folder) else { return false }
            (file, isWritable) = opened
            guard file.lock() else { throw StorageError.locked(path: markerPath) }
            journal = try ResumeJournal(file, named: ResumeFile.name(for: info), info: info)
            if isWritable {
                // The run that wrote it may have been killed before its end, or even its name, was on disk.
                try file.synchronizeData()
                try folder.synchronize()
            }
        } catch let error as SystemError {
            throw StorageError(error, path: markerPath)
        } catch {
            throw .locked(path: markerPath)
        }
        guard journal != nil else { throw .foreignResumeFile(path: markerPath) }
        if !isWritable { journal?.stop() }
        return true
    }

    /// Opens the marker, for reading only where that is all we may: a complete torrent is served from there too.
    private func openMarker(
        in folder: any DiskFile
    ) throws(SystemError) -> (file: any DiskFile, isWritable: Bool)? {
        let name = ResumeFile.name(for: info)
        do throws(SystemError) {
            return (try folder.openChild(name, flags: O_RDWR), true)
        } catch {
            switch error.code {
            case ENOENT: return nil
            case EROFS, EACCES, EPERM: return (try folder.openChild(name, flags: O_RDONLY), false)
            default: throw error
            }
        }
    }

    /// Nothing is there: says that what comes is ours, before the first of it exists.
    private mutating func claim() throws(StorageError) {
        guard let folder = try files.folder.open(creating: true) else { return }
        do {
            journal = try ResumeJournal.create(info: info, in: folder)
        } catch {
            throw StorageError(error, path: markerPath)
        }
        guard journal != nil else { throw .locked(path: markerPath) }
        detourUnwanted()
        try createEmptyFiles()
        phase = .writable
    }

    /// Takes over what is on record, hashes the rest, and sees to it that nothing wrong stays on record.
    private mutating func resume() throws(StorageError) {
        var stamps: [FileStamp?] = []
        for file in info.files.indices {
            stamps.append(info.files[file].isStored ? try files.stamp(ofFile: file) : nil)
        }
        stamps.append(try files.stamp(ofFile: files.partFile))
        locate(stamps)
        try createEmptyFiles()
        if stamps.contains(where: { $0 != nil }) {
            let sizes = stamps.map { $0?.size }
            have = trusted(stamps)
            try spotCheck(sizes: sizes)
            beginReport()
            let others = (0..<info.pieceCount).filter { !have[$0] }
            let check = PieceCheck(
                others, of: info, sizes: sizes, checked: have.setCount, shouldStop: shouldStop, report: report)
            let found = try check.run(&files, disk: disk, threads: configuration.checkThreads)
            if shouldStop.isSet { return }
            for piece in found.good.setIndices {
                have[piece] = true
                // Whoever wrote it may have been killed before it was on disk.
                files.markDirty(piece: piece)
                noteVerified(piece)
            }
        }
        try correctJournal()
        phase = .writable
        guard journal?.isWritable == true else { return }
        do throws(StorageError) {
            try settleParts()
        } catch {
            // A file with half of what the part file has must not come on record as that file.
            journal?.stop()
            throw error
        }
    }

    /// The pieces on record whose files look as they did when it was written.
    private func trusted(_ stamps: [FileStamp?]) -> Bitfield {
        var trusted = Bitfield(count: info.pieceCount)
        guard let journal, !configuration.rechecks else { return trusted }
        for piece in journal.pieces.setIndices {
            let spans = info.spans(piece: piece, offset: 0, length: info.length(ofPiece: piece))
            trusted[piece] = spans.allSatisfy { isUnchanged($0, stamps) }
        }
        return trusted
    }

    /// Hashes a few of the trusted pieces; if one is wrong, none is trusted.
    private mutating func spotCheck(sizes: [Int?]) throws(StorageError) {
        let trusted = Array(have.setIndices)
        let count = min(configuration.spotChecks, trusted.count)
        guard count > 0 else { return }
        // The first and the last are among them.
        let sample = (0..<count).map { trusted[$0 * (trusted.count - 1) / max(1, count - 1)] }
        let check = PieceCheck(
            sample, of: info, sizes: sizes, needsAll: true, shouldStop: StopFlag(), report: { _ in })
        let found = try check.run(&files, disk: disk, threads: configuration.checkThreads)
        if found.firstBad != nil { have = Bitfield(count: info.pieceCount) }
    }

    /// Before the first new byte is written: what is on record must be there, and the end of the record be whole.
    private mutating func correctJournal() throws(StorageError) {
        guard var journal, journal.isWritable, let folder = try files.folder.open(creating: false) else { return }
        guard journal.mustRewrite || journal.pieces.setIndices.contains(where: { !have[$0] }) else { return }
        do {
            try journal.rewrite(keeping: have, in: folder)
        } catch {
            throw StorageError(error, path: markerPath)
        }
        self.journal = journal
    }

    private mutating func createEmptyFiles() throws(StorageError) {
        for file in info.files.indices where info.files[file].length == 0 && isWanted(file) {
            if try files.size(ofFile: file) == nil { try files.create(file: file) }
        }
    }

    private mutating func firstExistingFile() throws(StorageError) -> Int? {
        guard try files.folder.status(of: [files.layout.name]) != nil else { return nil }
        // Wanted or not: what is there before our marker is not ours, and another run may want it.
        for file in info.files.indices where info.files[file].isStored {
            if try files.size(ofFile: file) != nil { return file }
        }
        return nil
    }

    /// Without a marker, what is there is not ours: it is read and never written, and it must be all of the torrent.
    private mutating func adoptForeignCopy(firstFile: Int) throws(StorageError) {
        var sizes: [Int?] = []
        for (index, file) in info.files.enumerated() {
            guard file.isStored else {
                sizes.append(nil)
                continue
            }
            let size = try files.size(ofFile: index)
            guard size == file.length || (size == nil && file.length == 0) else {
                throw .foreignFile(path: files.pathText(ofFile: size == nil ? firstFile : index))
            }
            sizes.append(size)
        }
        beginReport()
        let check = PieceCheck(
            Array(0..<info.pieceCount), of: info, sizes: sizes, needsAll: true, shouldStop: shouldStop, report: report)
        let found = try check.run(&files, disk: disk, threads: configuration.checkThreads)
        if shouldStop.isSet { return }
        if let bad = found.firstBad { throw .foreignFile(path: pathText(ofPiece: bad)) }
        have = found.good
        phase = .complete
    }

    private mutating func beginReport() {
        emit(.checking(pieces: 0))
        reportEvents()
    }
}
