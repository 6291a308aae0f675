import CShims
import Glibc

/// What a failed system call left in `errno`.
struct SystemError: Error {
    let code: Int32
}

/// An open file or directory, closed when nobody holds it any more.
final class Descriptor: DiskFile {
    let number: Int32

    private init(_ number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }

    static func openDirectory(_ path: String) throws(SystemError) -> Descriptor {
        Descriptor(try check { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
    }

    func openChild(_ name: String, flags: Int32, mode: UInt32) throws(SystemError) -> any DiskFile {
        let safe = flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        return Descriptor(try check { openat(number, name, safe, mode) })
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

    func synchronizeData() throws(SystemError) {
        _ = try check { fdatasync(number) }
    }

    func synchronizeFileSystem() throws(SystemError) -> Bool {
        guard let syncfs else { return false }
        _ = try check { syncfs(number) }
        return true
    }

    func synchronize() throws(SystemError) {
        _ = try check { fsync(number) }
    }

    func lock() -> Bool {
        flock(number, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
    }

    func nextData(from offset: Int) throws(SystemError) -> Int? {
        let found = lseek(number, offset, seekData)
        if found >= 0 { return found }
        if errno == ENXIO { return nil }
        // A file system that knows no holes.
        if errno == EINVAL { return offset }
        throw SystemError(code: errno)
    }

    func readSome(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try retry { pread(number, buffer.baseAddress, buffer.count, offset) }
    }

    func passSome(at offset: Int, count: Int, to pipe: Int32) throws(SystemError) -> Int {
        let moved = mainline_splice(number, Int64(offset), pipe, count)
        guard moved >= 0 else { throw SystemError(code: Int32(-moved)) }
        return moved
    }

    func writeSome(_ vectors: UnsafeBufferPointer<iovec>, at offset: Int) throws(SystemError) -> Int {
        try retry { pwritev(number, vectors.baseAddress, Int32(vectors.count), offset) }
    }
}

/// Looked up at run time, because the headers show it to GNU sources only.
private let syncfs: (@convention(c) (Int32) -> Int32)? = dlsym(nil, "syncfs").map {
    // The C library declares it `int syncfs(int)`, and stays loaded as long as we run.
    unsafeBitCast($0, to: (@convention(c) (Int32) -> Int32).self)
}

/// Linux's SEEK_DATA, which the headers show to GNU sources only.
private let seekData: Int32 = 3

extension FileStatus {
    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            let (seconds, nanoseconds) = (Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec))
            // A file can carry any time; one that overflows is as good as another for a comparison.
            self = .regular(FileStamp(size: status.st_size, modified: seconds &* 1_000_000_000 &+ nanoseconds))
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

/// The machine's own file systems.
struct SystemDisk: Disk {
    func openDirectory(_ path: String) throws(SystemError) -> any DiskFile {
        try Descriptor.openDirectory(path)
    }

    func makeDirectories(_ path: String) throws(SystemError) {
        let root = path.hasPrefix("/") ? "/" : ""
        var (prefix, parent) = (root, root)
        for component in path.split(separator: "/") {
            prefix += component
            if mkdir(prefix, 0o777) == 0 {
                // The new name is an entry of the folder above, and lost with a power cut until that is on disk.
                // A folder that may be written and not read is left to the system's own time.
                try? Descriptor.openDirectory(parent.isEmpty ? "." : parent).synchronize()
            } else if errno != EEXIST {
                // Above the folder there may be ones that exist and that we may not write.
                let failure = errno
                guard access(prefix, F_OK) == 0 else { throw SystemError(code: failure) }
            }
            parent = prefix
            prefix += "/"
        }
    }
}
