import Glibc
import Primitives
import Synchronization

@testable import Storage

/// An open file or folder of a `MemoryDisk`.
final class MemoryFile: DiskFile {
    private let node: Int
    private let life: Int
    private let disk: MemoryDisk
    private let hasLock = Mutex(false)

    init(node: Int, life: Int, disk: MemoryDisk) {
        self.node = node
        self.life = life
        self.disk = disk
    }

    deinit {
        guard hasLock.withLock({ $0 }) else { return }
        disk.state.withLock { state in
            if state.life == life { state.locked.remove(node) }
        }
    }

    private func call<Result>(
        _ body: (inout MemoryDisk.State) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try disk.state.withLock { state throws(SystemError) in
            try state.begin(life: life)
            return try body(&state)
        }
    }

    /// The same for what a read-only disk refuses.
    private func change<Result>(
        _ body: (inout MemoryDisk.State) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try call { state throws(SystemError) in
            guard !state.faults.isReadOnly else { throw SystemError(code: EROFS) }
            return try body(&state)
        }
    }

    func openChild(_ name: String, flags: Int32, mode: UInt32) throws(SystemError) -> any DiskFile {
        let child = try call { state throws(SystemError) in
            if state.faults.isReadOnly, flags & O_ACCMODE != O_RDONLY { throw SystemError(code: EROFS) }
            if let child = state.nodes[node].entries[name] {
                guard flags & O_EXCL == 0 else { throw SystemError(code: EEXIST) }
                return child
            }
            guard flags & O_CREAT != 0 else { throw SystemError(code: ENOENT) }
            let child = state.add(MemoryNode(kind: .file))
            state.nodes[node].change(.link(name, child))
            return child
        }
        return MemoryFile(node: child, life: life, disk: disk)
    }

    func makeDirectory(_ name: String) throws(SystemError) {
        try change { state in
            state.nodes[node].change(.link(name, state.add(MemoryNode(kind: .directory))))
        }
    }

    func rename(_ old: String, to new: String) throws(SystemError) {
        try change { $0.nodes[node].change(.rename(old, to: new)) }
    }

    func unlink(_ name: String) throws(SystemError) {
        try change { $0.nodes[node].change(.unlink(name)) }
    }

    func status(ofChild name: String) throws(SystemError) -> FileStatus? {
        try call { state in state.nodes[node].entries[name].map { state.nodes[$0].status } }
    }

    func status() throws(SystemError) -> FileStatus {
        try call { $0.nodes[node].status }
    }

    func truncate(to length: Int) throws(SystemError) {
        try change { state in
            state.clock += 1
            state.nodes[node].change(.resize(length), at: state.clock)
        }
    }

    func synchronizeData() throws(SystemError) {
        try call { state in
            // Whoever forgets the data remembers the record: the marker alone is ever locked.
            if state.faults.dataIsNotSynchronized, !hasLock.withLock({ $0 }) { return }
            state.nodes[node].synchronize()
        }
    }

    func synchronizeFileSystem() throws(SystemError) -> Bool {
        try call { state in
            if state.faults.dataIsNotSynchronized { return true }
            for index in state.nodes.indices { state.nodes[index].synchronize() }
            return true
        }
    }

    func synchronize() throws(SystemError) {
        try call { state in
            if state.faults.foldersAreNotSynchronized, state.nodes[node].kind == .directory { return }
            state.nodes[node].synchronize()
        }
    }

    func lock() -> Bool {
        disk.state.withLock { state in
            guard state.life == life, state.locked.insert(node).inserted else { return false }
            hasLock.withLock { $0 = true }
            return true
        }
    }

    func nextData(from offset: Int) throws(SystemError) -> Int? {
        try call { $0.nodes[node].content.count > offset ? offset : nil }
    }

    func readSome(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try call { state in
            let content = state.nodes[node].content
            guard offset < content.count else { return 0 }
            let count = min(buffer.count, content.count - offset)
            buffer.copyBytes(from: content[offset..<offset + count])
            return count
        }
    }

    /// Not a file of the system's.
    func passSome(at offset: Int, count: Int, to pipe: Int32) throws(SystemError) -> Int {
        throw SystemError(code: EINVAL)
    }

    func writeSome(_ vectors: UnsafeBufferPointer<iovec>, at offset: Int) throws(SystemError) -> Int {
        let bytes = vectors.flatMap { Array(UnsafeRawBufferPointer(start: $0.iov_base, count: $0.iov_len)) }
        return try disk.state.withLock { state throws(SystemError) in
            let wasDead = state.isDead
            var count = bytes.count
            do throws(SystemError) {
                try state.begin(life: life)
            } catch {
                // A process that is killed while it writes has written a part.
                guard state.isDead, !wasDead else { throw error }
                let part = Int(state.generator.next() % UInt64(count + 1))
                _ = state.write(Array(bytes.prefix(part)), to: node, at: offset)
                throw error
            }
            guard !state.faults.isReadOnly else { throw SystemError(code: EROFS) }
            if state.faults.writesAreShort { count = min(count, 1 + Int(state.generator.next() % UInt64(count))) }
            if let free = state.faults.freeBytes {
                guard free > 0 else { throw SystemError(code: ENOSPC) }
                count = min(count, free)
                state.faults.freeBytes = free - count
            }
            return state.write(Array(bytes.prefix(count)), to: node, at: offset)
        }
    }
}

extension MemoryDisk.State {
    fileprivate mutating func write(_ bytes: [UInt8], to node: Int, at offset: Int) -> Int {
        clock += 1
        nodes[node].change(.write(bytes, at: offset), at: clock)
        return bytes.count
    }
}

extension MemoryNode {
    fileprivate var status: FileStatus {
        switch kind {
        case .file: .regular(FileStamp(size: content.count, modified: modified))
        case .directory: .directory
        }
    }
}
