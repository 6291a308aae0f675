import Glibc

extension StorageError {
    /// What happened, in a few words, without a path and without advice.
    package var cause: String {
        switch self {
        case .full(_, let errno), .readOnly(_, let errno), .noPermission(_, let errno), .other(_, let errno):
            String(cString: strerror(errno))
        case .foreignFile: "something else is in the way"
        case .foreignResumeFile: "it belongs to another download"
        case .unsafePath: "a symbolic link or a special file is in the way"
        case .locked: "it is in use"
        case .notVerified: "it is not on disk"
        }
    }
}
