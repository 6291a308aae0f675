import Glibc

/// What a failed system call left in `errno`.
struct SystemError: Error {
    let code: Int32
}

/// An open file or directory, closed when nobody holds it any more.
final class Descriptor {
    let number: Int32

    private init(_ number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }

    /// Opens a path as the user gave it, links followed.
    static func openDirectory(_ path: String) throws(SystemError) -> Descriptor {
        Descriptor(try check { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
    }

    /// Opens one component of a path, never through a symbolic link, and without waiting for the other end of a pipe.
    func openChild(_ name: String, flags: Int32) throws(SystemError) -> Descriptor {
        let safe = flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        return Descriptor(try check { openat(number, name, safe, 0o666) })
    }

    func makeDirectory(_ name: String) throws(SystemError) {
        _ = try check { mkdirat(number, name, 0o777) }
    }

    func rename(_ old: String, to new: String) throws(SystemError) {
        _ = try check { renameat(number, old, number, new) }
    }

    func unlink(_ name: String) throws(SystemError) {
        _ = try check { unlinkat(number, name, 0) }
    }

    /// What is under a name, a link not being followed; nil: nothing.
    func status(ofChild name: String) throws(SystemError) -> FileStatus? {
        var buffer = stat()
        do {
            _ = try check { fstatat(number, name, &buffer, AT_SYMLINK_NOFOLLOW) }
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
        return FileStatus(buffer)
    }

    func status() throws(SystemError) -> FileStatus {
        var buffer = stat()
        _ = try check { fstat(number, &buffer) }
        return FileStatus(buffer)
    }

    func truncate(to length: Int) throws(SystemError) {
        _ = try check { ftruncate(number, length) }
    }

    /// Data and whatever is needed to find it again.
    func synchronizeData() throws(SystemError) {
        _ = try check { fdatasync(number) }
    }

    /// Everything on the file system that this lies on; false where the C library has no such call.
    func synchronizeFileSystem() throws(SystemError) -> Bool {
        guard let syncfs else { return false }
        _ = try check { syncfs(number) }
        return true
    }

    func synchronize() throws(SystemError) {
        _ = try check { fsync(number) }
    }

    /// Returns false when somebody else holds the lock; where locks do not exist, everyone gets one.
    func lock() -> Bool {
        flock(number, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
    }

    /// Where the next data at or after `offset` begins; nil: only a hole up to the end of the file.
    func nextData(from offset: Int) throws(SystemError) -> Int? {
        let found = lseek(number, offset, seekData)
        if found >= 0 { return found }
        if errno == ENXIO { return nil }
        // A file system that knows no holes.
        if errno == EINVAL { return offset }
        throw SystemError(code: errno)
    }

    /// Fills `buffer` unless the file ends before; returns how many bytes there were.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = try retry {
                pread(number, buffer.baseAddress! + filled, buffer.count - filled, offset + filled)
            }
            if count == 0 { break }
            filled += count
        }
        return filled
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
            let count = min(vectors.count - first, maxVectorsPerCall)
            var written = try vectors.withUnsafeBufferPointer { buffer throws(SystemError) in
                try retry { pwritev(number, buffer.baseAddress! + first, Int32(count), offset) }
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

/// Looked up at run time, because the headers show it to GNU sources only.
private let syncfs: (@convention(c) (Int32) -> Int32)? = dlsym(nil, "syncfs").map {
    // The C library declares it `int syncfs(int)`, and stays loaded as long as we run.
    unsafeBitCast($0, to: (@convention(c) (Int32) -> Int32).self)
}

/// Linux's SEEK_DATA, which the headers show to GNU sources only.
private let seekData: Int32 = 3

/// Linux's UIO_MAXIOV.
private let maxVectorsPerCall = 1024

/// What `stat` says, as far as it matters here.
enum FileStatus: Equatable {
    case regular(size: Int)
    case directory
    case symbolicLink
    /// A pipe, socket or device.
    case special

    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: self = .regular(size: status.st_size)
        case S_IFDIR: self = .directory
        case S_IFLNK: self = .symbolicLink
        default: self = .special
        }
    }
}

private func check(_ call: () -> Int32) throws(SystemError) -> Int32 {
    Int32(try retry { Int(call()) })
}

/// Calls again when a signal came in between.
private func retry(_ call: () -> Int) throws(SystemError) -> Int {
    while true {
        let result = call()
        if result >= 0 { return result }
        guard errno == EINTR else { throw SystemError(code: errno) }
    }
}

extension Descriptor {
    /// Makes a folder and the folders above it, as `mkdir -p` does.
    static func makeDirectories(_ path: String) throws(SystemError) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            prefix += component
            if mkdir(prefix, 0o777) != 0, errno != EEXIST {
                // Above the folder there may be ones that exist and that we may not write.
                let failure = errno
                guard access(prefix, F_OK) == 0 else { throw SystemError(code: failure) }
            }
            prefix += "/"
        }
    }
}
