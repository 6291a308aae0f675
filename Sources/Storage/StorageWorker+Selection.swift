import Metainfo
import Primitives

/// Which files are wanted, and where the bytes of the others are.
extension StorageWorker {
    func isWanted(_ file: Int) -> Bool {
        info.files[file].isStored && selection?.files[file] ?? true
    }

    /// Nothing is there yet: what is not wanted goes to the part file.
    mutating func detourUnwanted() {
        for file in info.files.indices where info.files[file].isStored && !isWanted(file) {
            files.setInParts(file, true)
        }
    }

    /// Finds out where an earlier run left the bytes of each file; `stamps` has one more than there are files, that of
    /// the part file.
    ///
    /// A file that is on record is itself. Of one that is not, the part file has what is verified, if there is one; the
    /// file, should it exist, was left by a run that was killed, or belongs to somebody else.
    mutating func locate(_ stamps: [FileStamp?]) {
        for file in info.files.indices where info.files[file].isStored {
            let isOnRecord = stamps[file] != nil && journal?.stamps[file] != nil
            files.setInParts(file, !isOnRecord && (files.haveParts || !isWanted(file)))
        }
    }

    /// Whether a stretch looks as it did when it was recorded.
    func isUnchanged(_ span: FileSpan, _ stamps: [FileStamp?]) -> Bool {
        if info.files[span.file].isPadding { return true }
        var (file, end) = (span.file, span.offset + span.length)
        if files.isInParts(file) {
            // On record as a file: then this was never in the part file, or is no longer.
            guard journal?.stamps[file] == nil else { return false }
            (file, end) = (files.partFile, end + info.files[file].offset)
        }
        guard let stamp = stamps[file], journal?.stamps[file] == stamp else { return false }
        return stamp.size >= end
    }

    /// Gives wanted files what the part file has of them, and removes it when nothing else is in it.
    mutating func settleParts() throws(StorageError) {
        let before = info.files.indices.filter { files.isInParts($0) }
        // A record names no piece twice, and neighbours share them.
        var noted = Set(pending)
        for file in before where isWanted(file) {
            let pieces = info.pieces(ofFile: file).filter { have[$0] }
            try files.moveOutOfParts(file, pieces: pieces)
            for piece in pieces where noted.insert(piece).inserted { noteVerified(piece) }
        }
        guard files.haveParts, before.allSatisfy(isWanted) else { return }
        // What was moved is on disk and on record before it is removed.
        if !before.isEmpty { try recordEverything() }
        try files.removeParts()
    }
}
