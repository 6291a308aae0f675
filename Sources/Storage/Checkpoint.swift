import Glibc
import Synchronization

/// What was not synchronized when it was asked for.
struct Unsynchronized: Sendable {
    /// Indices of the files, however they get to the disk.
    let files: [Int]
    /// Open ones.
    var data: [any DiskFile] = []
    var folders: [any DiskFile] = []
    /// Instead of `data` and `folders`, where they are too many.
    var fileSystem: (any DiskFile)?

    init(files: [Int]) {
        self.files = files
    }
}

/// A batch of verified pieces on its way to the record: first its data goes to the disk, on any thread.
final class Checkpoint: Sendable {
    let pieces: [Int]
    let work: Unsynchronized
    private let result = Mutex<Result<Void, SystemError>?>(nil)

    init(pieces: [Int], work: Unsynchronized) {
        self.pieces = pieces
        self.work = work
    }

    /// Synchronizes, once; a second call waits for the first and has its result.
    ///
    /// A failure is told by the system only once, so nobody may ask the system a second time.
    @discardableResult
    func synchronize() -> Result<Void, SystemError> {
        result.withLock { result in
            if let result { return result }
            let outcome = Result { () throws(SystemError) in try synchronizeNow() }
            result = outcome
            return outcome
        }
    }

    private func synchronizeNow() throws(SystemError) {
        if let fileSystem = work.fileSystem, !(try fileSystem.synchronizeFileSystem()) {
            throw SystemError(code: ENOSYS)
        }
        for file in work.data { try file.synchronizeData() }
        // After the data, so that few names ever appear for files without it.
        for folder in work.folders { try folder.synchronize() }
    }
}
