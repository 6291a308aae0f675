import Glibc
import Metainfo

/// The files that a torrent is made of: one file, or all below a folder.
///
/// Hidden files are left out unless they are wanted, and symbolic links always: what they lead to may be anywhere.
/// Pipes, sockets and devices are refused, since a folder with them is hardly what somebody means to share.
package struct SourceTree: Sendable {
    package struct File: Equatable, Sendable {
        /// Below the folder; for a single file its name.
        package let components: [String]
        /// To open it.
        package let path: String
        package let length: Int
    }

    /// Of the file or the folder.
    package let name: String
    package let isSingleFile: Bool
    /// In the order of `PathOrder`.
    package private(set) var files: [File] = []
    /// Paths below the folder, in no order that matters.
    package private(set) var linksLeftOut: [String] = []
    package private(set) var hiddenLeftOut: [String] = []

    /// What to leave out, and what not.
    package struct Wishes: Sendable {
        package var takesHidden = false
        /// The .torrent itself, should it lie below the folder; nil: the name with `.torrent`, in the current one.
        package var leavesOut: String?

        package init() {}
    }

    /// Looks at what is at `path`, which itself may be a link.
    package init(_ path: String, _ wishes: Wishes = Wishes()) throws(CommandFailure) {
        guard let resolved = realpath(path, nil) else { throw Self.failure(path, errno) }
        defer { free(resolved) }
        let root = String(cString: resolved)
        guard Self.isText(resolved) else { throw Self.nameIsNoText(root) }
        // A link is called as the user called it, and not as what it leads to.
        let last = path.split(separator: "/").last.map(String.init) ?? ""
        name = ["", ".", ".."].contains(last) ? root.split(separator: "/").last.map(String.init) ?? "root" : last
        var status = stat()
        guard stat(root, &status) == 0 else { throw Self.failure(path, errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            isSingleFile = true
            files = [File(components: [name], path: root, length: status.st_size)]
        case S_IFDIR:
            isSingleFile = false
            try walk(root, [], wishes, leavesOut: Identity(path: wishes.leavesOut ?? name + ".torrent"))
            files.sort { PathOrder.precedes($0.components, $1.components) }
        default: throw Self.isSpecial(path)
        }
        guard !files.isEmpty else {
            let advice = hiddenLeftOut.isEmpty ? nil : "all that is there is hidden: --hidden takes it"
            throw CommandFailure(.usage, "there is no file in \(TerminalText.escaped(path))", advice: advice)
        }
    }

    package var totalLength: Int { files.reduce(0) { $0 &+ $1.length } }

    private mutating func walk(
        _ folder: String, _ components: [String], _ wishes: Wishes, leavesOut: Identity?
    ) throws(CommandFailure) {
        for name in try Self.names(in: folder) {
            let path = folder + "/" + name
            let below = components + [name]
            var status = stat()
            guard lstat(path, &status) == 0 else { throw Self.failure(path, errno) }
            if name.hasPrefix("."), !wishes.takesHidden {
                hiddenLeftOut.append(below.joined(separator: "/"))
                continue
            }
            switch status.st_mode & S_IFMT {
            case S_IFREG where Identity(status) == leavesOut: continue
            case S_IFREG: files.append(File(components: below, path: path, length: status.st_size))
            case S_IFDIR: try walk(path, below, wishes, leavesOut: leavesOut)
            case S_IFLNK: linksLeftOut.append(below.joined(separator: "/"))
            default: throw Self.isSpecial(path)
            }
            guard files.count <= MetainfoLimits.files else {
                throw CommandFailure(.usage, "there are more than \(MetainfoLimits.files) files")
            }
        }
    }

    private static func names(in folder: String) throws(CommandFailure) -> [String] {
        guard let stream = opendir(folder) else { throw failure(folder, errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw failure(folder, errno) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
                    (text: String(cString: text), isText: isText(text))
                }
            }
            guard name.text != ".", name.text != ".." else { continue }
            guard name.isText else { throw nameIsNoText(folder + "/" + name.text) }
            names.append(name.text)
        }
    }

    /// Which file it is, whatever it is called.
    private struct Identity: Equatable {
        let device: UInt
        let number: UInt

        init(_ status: stat) {
            device = UInt(status.st_dev)
            number = UInt(status.st_ino)
        }

        init?(path: String) {
            var status = stat()
            guard lstat(path, &status) == 0 else { return nil }
            self.init(status)
        }
    }

    private static func isText(_ bytes: UnsafePointer<CChar>) -> Bool { String(validatingCString: bytes) != nil }

    // MARK: Refusals

    private static func failure(_ path: String, _ code: CInt) -> CommandFailure {
        let shown = TerminalText.escaped(path)
        return code == ENOENT || code == ENOTDIR
            ? CommandFailure(.usage, "there is no file or folder \(shown)")
            : CommandFailure(.disk, "cannot read \(shown): \(String(cString: strerror(code)))")
    }

    private static func isSpecial(_ path: String) -> CommandFailure {
        CommandFailure(
            .disk, "\(TerminalText.escaped(path)) is a pipe, a socket or a device: none has content to share",
            advice: "move it away, or name the folders beside it one by one")
    }

    private static func nameIsNoText(_ path: String) -> CommandFailure {
        CommandFailure(
            .disk, "the name of \(TerminalText.escaped(path)) is not UTF-8, and a torrent can have no other",
            advice: "rename it")
    }
}
