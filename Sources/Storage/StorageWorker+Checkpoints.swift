import Glibc
import Metainfo

/// From verified pieces to recorded ones: batch by batch, the data before the record.
extension StorageWorker {
    mutating func noteVerified(_ piece: Int) {
        pending.append(piece)
        pendingBytes += info.length(ofPiece: piece)
    }

    var hasUnrecorded: Bool { phase == .writable && !pending.isEmpty }

    var isCheckpointDue: Bool { pendingBytes >= configuration.checkpointBytes }

    /// Hands out the next batch to be synchronized; nil when there is none, or one on its way.
    mutating func beginCheckpoint() -> Checkpoint? {
        guard phase == .writable, checkpoint == nil, !pending.isEmpty else { return nil }
        do throws(StorageError) {
            return try takeCheckpoint()
        } catch {
            fail(error)
            return nil
        }
    }

    /// Records a batch when its data is on disk; waits for that if need be.
    mutating func finish(_ finished: Checkpoint) {
        guard let checkpoint, checkpoint === finished else { return }
        do throws(StorageError) {
            try record(finished)
        } catch {
            fail(error)
        }
    }

    /// Brings everything that was written to the disk and on record, before this returns.
    mutating func recordEverything() throws(StorageError) {
        if let checkpoint { try record(checkpoint) }
        let isNews = !pending.isEmpty
        let rest = try takeCheckpoint()
        if isNews || !rest.work.files.isEmpty { try record(rest) } else { checkpoint = nil }
    }

    private mutating func takeCheckpoint() throws(StorageError) -> Checkpoint {
        let next = Checkpoint(pieces: pending, work: try files.takeUnsynchronized())
        pending.removeAll(keepingCapacity: true)
        pendingBytes = 0
        checkpoint = next
        return next
    }

    private mutating func record(_ batch: Checkpoint) throws(StorageError) {
        checkpoint = nil
        if case .failure(let error) = batch.synchronize() {
            // Nobody knows which bytes are lost, and the system does not tell twice: nothing is recorded any more.
            journal?.stop()
            let path = batch.work.files.first.map { files.pathText(ofFile: $0) }
            throw StorageError(error, path: path ?? files.folder.path)
        }
        guard var journal, journal.isWritable else { return }
        var stamps: [(file: Int, stamp: FileStamp)] = []
        for file in batch.work.files {
            guard let stamp = try files.stamp(ofFile: file) else {
                // Removed while we wrote to it: what we have open is nobody's any more.
                throw .other(path: files.pathText(ofFile: file), errno: ENOENT)
            }
            stamps.append((file, stamp))
        }
        defer { self.journal = journal }
        let isThere = try files.folder.status(of: [ResumeFile.name(for: info)]) != nil
        do throws(SystemError) {
            try journal.append(pieces: batch.pieces, stamps: stamps)
            // Removed by somebody: without it the data would count as foreign in the next run.
            if journal.isLong || !isThere, let folder = try? files.folder.open(creating: false) {
                try journal.rewrite(keeping: have, in: folder)
            }
        } catch {
            journal.stop()
            throw StorageError(error, path: markerPath)
        }
    }

    var markerPath: String { files.folder.text([ResumeFile.name(for: info)]) }
}
