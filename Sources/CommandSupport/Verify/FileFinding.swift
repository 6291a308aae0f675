import Glibc

/// What is in the place of one file of a torrent.
package enum FileFinding: Equatable, Sendable {
    case size(Int)
    case missing
    /// A folder, a symbolic link, or something special.
    case notAFile
    case unreadable(errno: CInt)

    /// Looks, and follows no link.
    package init(path: String) {
        var status = stat()
        if lstat(path, &status) != 0 {
            let code = errno
            self = code == ENOENT || code == ENOTDIR ? .missing : .unreadable(errno: code)
        } else if status.st_mode & S_IFMT != S_IFREG {
            self = .notAFile
        } else if access(path, R_OK) != 0 {
            self = .unreadable(errno: errno)
        } else {
            self = .size(status.st_size)
        }
    }
}
