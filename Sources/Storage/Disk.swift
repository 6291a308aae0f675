import Glibc

/// Where the storage finds its folders: `SystemDisk` is the machine's; tests bring one that fails and forgets.
protocol Disk: Sendable {
    /// Opens a path as the user gave it, links followed.
    func openDirectory(_ path: String) throws(SystemError) -> any DiskFile
    /// Makes a folder and the folders above it, as `mkdir -p` does, and brings those that are new to the disk.
    func makeDirectories(_ path: String) throws(SystemError)
}

/// An open file or directory: the calls of the system that the storage needs, and nothing else.
///
/// One indirect call for each call of the system, which costs a hundred times as much.
protocol DiskFile: AnyObject, Sendable {
    /// Opens one component of a path, never through a symbolic link, and without waiting for the other end of a pipe.
    ///
    /// A file that it makes has the permissions of `mode`, as far as the user's mask allows.
    func openChild(_ name: String, flags: Int32, mode: UInt32) throws(SystemError) -> any DiskFile
    func makeDirectory(_ name: String) throws(SystemError)
    func rename(_ old: String, to new: String) throws(SystemError)
    func unlink(_ name: String) throws(SystemError)
    /// What is under a name, a link not being followed; nil: nothing.
    func status(ofChild name: String) throws(SystemError) -> FileStatus?
    func status() throws(SystemError) -> FileStatus
    func truncate(to length: Int) throws(SystemError)
    /// Data and whatever is needed to find it again.
    func synchronizeData() throws(SystemError)
    /// Everything on the file system that this lies on; false where the C library has no such call.
    func synchronizeFileSystem() throws(SystemError) -> Bool
    /// Data, attributes, and for a directory its entries.
    func synchronize() throws(SystemError)
    /// Returns false when somebody else holds the lock; where locks do not exist, everyone gets one.
    func lock() -> Bool
    /// Where the next data at or after `offset` begins; nil: only a hole up to the end of the file.
    func nextData(from offset: Int) throws(SystemError) -> Int?
    /// Reads at least a byte, unless the file has ended.
    func readSome(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int
    /// Moves at least a byte into a pipe of the system without copying it, unless the file has ended.
    ///
    /// An error also where the file system cannot do that, or the pipe is full.
    func passSome(at offset: Int, count: Int, to pipe: Int32) throws(SystemError) -> Int
    /// Writes at least a byte, or says why not; at most `DiskLimits.vectorsPerCall` are given.
    func writeSome(_ vectors: UnsafeBufferPointer<iovec>, at offset: Int) throws(SystemError) -> Int
}

enum DiskLimits {
    /// Linux's UIO_MAXIOV.
    static let vectorsPerCall = 1024
}

/// Whole reads and writes, made of partial ones.
extension DiskFile {
    func openChild(_ name: String, flags: Int32) throws(SystemError) -> any DiskFile {
        try openChild(name, flags: flags, mode: 0o666)
    }

    /// Fills `buffer` unless the file ends before; returns how many bytes there were.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = try readSome(at: offset + filled, into: rest)
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Moves `count` bytes into a pipe unless the file ends before; returns how many there were.
    func pass(at offset: Int, count: Int, to pipe: Int32) throws(SystemError) -> Int {
        var passed = 0
        while passed < count {
            let moved = try passSome(at: offset + passed, count: count - passed, to: pipe)
            if moved == 0 { break }
            passed += moved
        }
        return passed
    }

    /// At most `count` bytes: fewer where the file ends.
    func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let filled = try bytes.withUnsafeMutableBufferPointer { buffer throws(SystemError) in
            try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
        bytes.removeLast(count - filled)
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
        try bytes.withUnsafeBufferPointer { buffer throws(SystemError) in
            let base = UnsafeMutableRawPointer(mutating: buffer.baseAddress)
            var vectors = [iovec(iov_base: base, iov_len: buffer.count)]
            try write(&vectors, at: offset)
        }
    }

    /// Writes all of `vectors`, which it may change on the way.
    func write(_ vectors: inout [iovec], at offset: Int) throws(SystemError) {
        var offset = offset
        var first = 0
        while first < vectors.count {
            let count = min(vectors.count - first, DiskLimits.vectorsPerCall)
            var written = try vectors.withUnsafeBufferPointer { buffer throws(SystemError) in
                try writeSome(UnsafeBufferPointer(rebasing: buffer[first..<first + count]), at: offset)
            }
            guard written > 0 else { throw SystemError(code: EIO) }
            offset += written
            while first < vectors.count, written >= vectors[first].iov_len {
                written -= vectors[first].iov_len
                first += 1
            }
            if written > 0 {
                vectors[first].iov_base += written
                vectors[first].iov_len -= written
            }
        }
    }
}

/// What tells whether a file was changed since: writing to it moves its time.
struct FileStamp: Hashable, Sendable {
    let size: Int
    /// Nanoseconds since 1970.
    let modified: Int64
}

/// What `stat` says, as far as it matters here.
enum FileStatus: Equatable {
    case regular(FileStamp)
    case directory
    case symbolicLink
    /// A pipe, socket or device.
    case special
}
