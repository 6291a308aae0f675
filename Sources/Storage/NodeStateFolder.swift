import Glibc
package import Kademlia

/// The folder of a program's state, and the lock on it: one process at a time writes, others only read.
///
/// The file is replaced as a whole: what a crash, a full disk or a power cut leaves behind is the state before. The
/// lock goes with the process, however it ends.
package final class NodeStateFolder {
    /// The state that was found.
    package enum Finding: Equatable, Sendable {
        /// There is none yet.
        case nothing
        case state(NodeState)
        /// It cannot be used, and is now called `keptAs`; nil when it was left where it is.
        case broken(NodeStateFile.Failure, keptAs: String?)
    }

    package let path: String
    /// False when another process has the lock: then nothing is ever written.
    package let isOurs: Bool
    private let folder: any DiskFile
    private let lock: (any DiskFile)?

    package static let fileName = "node.state"
    static let brokenName = "node.state.broken"
    static let temporaryName = "node.state.tmp"
    static let lockName = "node.lock"

    /// Opens the folder, which is made if it is not there, and takes the lock if it is free.
    package init(_ path: String) throws(StorageError) {
        self.path = path
        do throws(SystemError) {
            try SystemDisk().makeDirectories(path)
            folder = try SystemDisk().openDirectory(path)
            let lock = try folder.openChild(Self.lockName, flags: O_RDWR | O_CREAT)
            isOurs = lock.lock()
            self.lock = isOurs ? lock : nil
        } catch {
            throw StorageError(error, path: path)
        }
    }

    /// Reads the state of the last run.
    package func load() throws(StorageError) -> Finding {
        let file = "\(path)/\(Self.fileName)"
        let bytes: [UInt8]
        do throws(SystemError) {
            guard let status = try folder.status(ofChild: Self.fileName) else { return .nothing }
            guard case .regular(let stamp) = status else { throw SystemError(code: ELOOP) }
            guard stamp.size <= NodeStateFile.maxBytes else { return try setAside(.tooLong) }
            let descriptor = try folder.openChild(Self.fileName, flags: O_RDONLY)
            bytes = try descriptor.read(at: 0, count: stamp.size)
        } catch {
            throw StorageError(error, path: file)
        }
        do throws(NodeStateFile.Failure) {
            return .state(try NodeStateFile(bytes: bytes).state)
        } catch {
            let failure = error
            do throws(SystemError) {
                return try setAside(failure)
            } catch {
                throw StorageError(error, path: file)
            }
        }
    }

    /// Keeps a broken file for whoever wants to look at it, in place of an earlier one.
    private func setAside(_ failure: NodeStateFile.Failure) throws(SystemError) -> Finding {
        guard isOurs else { return .broken(failure, keptAs: nil) }
        try folder.rename(Self.fileName, to: Self.brokenName)
        return .broken(failure, keptAs: "\(path)/\(Self.brokenName)")
    }

    /// Replaces the state on disk; does nothing for a process without the lock.
    package func save(_ state: NodeState) throws(StorageError) {
        guard isOurs else { return }
        do throws(SystemError) {
            if try folder.status(ofChild: Self.temporaryName) != nil { try folder.unlink(Self.temporaryName) }
            let file = try folder.openChild(Self.temporaryName, flags: O_RDWR | O_CREAT | O_EXCL)
            do throws(SystemError) {
                try file.write(NodeStateFile(state).encoded(), at: 0)
                try file.synchronize()
                try folder.rename(Self.temporaryName, to: Self.fileName)
            } catch {
                try? folder.unlink(Self.temporaryName)
                throw error
            }
            try folder.synchronize()
        } catch {
            throw StorageError(error, path: "\(path)/\(Self.fileName)")
        }
    }
}
