import Glibc

/// A file read whole, with a bound on its size.
package enum FileContents {
    package enum Failure: Error, Equatable {
        case noSuchFile
        case noFile
        case tooLarge
        case system(errno: CInt)
    }

    package static func read(_ path: String, limitBytes: Int) throws(Failure) -> [UInt8] {
        // A pipe without a writer would block `open`.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw errno == ENOENT || errno == ENOTDIR ? .noSuchFile : .system(errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .noFile }
        guard status.st_size <= limitBytes else { throw .tooLarge }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= limitBytes {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count > 0 {
                bytes += buffer[..<count]
            } else if errno != EINTR {
                throw .system(errno: errno)
            }
        }
        throw .tooLarge
    }
}
