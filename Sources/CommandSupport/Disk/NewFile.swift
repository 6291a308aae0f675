import Glibc

/// A file that is there whole or not at all: written under another name beside its place, and then renamed.
package enum NewFile {
    /// Why it could not be written; nothing is left behind.
    package enum Failure: Error, Equatable {
        case exists
        case system(errno: CInt)
    }

    /// Writes the file; one that is there is only replaced when told to.
    package static func write(_ bytes: [UInt8], to path: String, replacing: Bool) throws(Failure) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        let temporary = "\(folder).mainline-\(getpid()).part"
        let descriptor = try create(temporary)
        do throws(Failure) {
            defer { close(descriptor) }
            try writeAll(bytes, to: descriptor)
        } catch {
            unlink(temporary)
            throw error
        }
        if replacing {
            guard rename(temporary, path) == 0 else { throw failure(removing: temporary) }
            return
        }
        // Unlike a rename, a link never takes the place of what appeared meanwhile.
        if link(temporary, path) == 0 {
            unlink(temporary)
            return
        }
        guard errno != EEXIST else { throw failure(removing: temporary) }
        // A file system without links.
        guard access(path, F_OK) != 0 else {
            unlink(temporary)
            throw .exists
        }
        guard rename(temporary, path) == 0 else { throw failure(removing: temporary) }
    }

    private static func create(_ path: String) throws(Failure) -> CInt {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        var descriptor = open(path, flags, 0o666)
        if descriptor < 0, errno == EEXIST {
            // Left by a process of the same number that was killed.
            unlink(path)
            descriptor = open(path, flags, 0o666)
        }
        guard descriptor >= 0 else { throw .system(errno: errno) }
        return descriptor
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: CInt) throws(Failure) {
        var left = bytes[...]
        while !left.isEmpty {
            let count = left.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                left = left.dropFirst(count)
            } else if errno != EINTR {
                throw .system(errno: errno)
            }
        }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw .system(errno: errno) }
    }

    private static func failure(removing temporary: String) -> Failure {
        let code = errno
        unlink(temporary)
        return code == EEXIST ? .exists : .system(errno: code)
    }
}

extension CommandFailure {
    /// The words for a file that could not be written, which go with exit 7.
    package init(_ failure: NewFile.Failure, path: String, advice: String) {
        let shown = TerminalText.escaped(path)
        switch failure {
        case .exists: self.init(.disk, "\(shown) is already there, and is not overwritten", advice: advice)
        case .system(let code): self.init(.disk, "cannot write \(shown): \(String(cString: strerror(code)))")
        }
    }
}
