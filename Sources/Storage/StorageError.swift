import Glibc

/// Why the files of a torrent cannot be written or read.
///
/// Paths contain names from the network: escape them before they reach a terminal.
package enum StorageError: Error, Hashable, Sendable {
    /// ENOSPC or EDQUOT.
    case full(path: String, errno: Int32)
    case readOnly(path: String, errno: Int32)
    case noPermission(path: String, errno: Int32)
    /// Something that we did not make is where the file belongs, and is not what the torrent says.
    case foreignFile(path: String)
    /// The marker belongs to another torrent, or is none of ours.
    case foreignResumeFile(path: String)
    /// A symbolic link or a special file is in the way.
    case unsafePath(path: String)
    /// Another process, or another download of this one, is at work on these files.
    case locked(path: String)
    /// A block was asked for that is not verified.
    case notVerified(piece: Int)
    case other(path: String, errno: Int32)

    init(_ error: SystemError, path: String) {
        switch error.code {
        case ENOSPC, EDQUOT: self = .full(path: path, errno: error.code)
        case EROFS: self = .readOnly(path: path, errno: error.code)
        case EACCES, EPERM: self = .noPermission(path: path, errno: error.code)
        case ELOOP: self = .unsafePath(path: path)
        case EEXIST, EISDIR, ENOTDIR: self = .foreignFile(path: path)
        default: self = .other(path: path, errno: error.code)
        }
    }
}

extension StorageError: CustomStringConvertible {
    /// One sentence that says what happened and what to do.
    package var description: String {
        switch self {
        case .full(let path, _):
            "no space left for \(path): free some and run the same command again, verified pieces are kept"
        case .readOnly(let path, _): "\(path) is on a read-only file system: choose another folder with -o"
        case .noPermission(let path, _): "no permission for \(path): change it or choose another folder with -o"
        case .foreignFile(let path):
            "would overwrite \(path), which magnetget did not make: move it away or choose another folder with -o"
        case .foreignResumeFile(let path):
            "\(path) belongs to another download: move it away or choose another folder with -o"
        case .unsafePath(let path):
            "\(path) is a symbolic link or a special file, and magnetget writes through neither: "
                + "move it away or choose another folder with -o"
        case .locked(let path):
            "\(path) is in use by another download: wait for its end or choose another folder with -o"
        case .notVerified(let piece): "piece \(piece) is not on disk"
        case .other(let path, let errno): "\(path): \(String(cString: strerror(errno)))"
        }
    }
}
