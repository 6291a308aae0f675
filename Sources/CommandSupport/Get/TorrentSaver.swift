import Glibc
import Metainfo
import Primitives

/// Writes what was learnt of a torrent as a .torrent file: its metadata, and the trackers and nodes that were given.
///
/// A file that is there is never overwritten. When it is of the same torrent, it is as good as a new one.
package struct TorrentSaver: Equatable, Sendable {
    /// Where the files go.
    package enum Target: Equatable, Sendable {
        /// As `INFOHASH.torrent`: several never collide, and a script knows the name beforehand.
        case folder(String)
        case file(String)
        case standardOutput
    }

    package let target: Target

    package init(_ target: Target) {
        self.target = target
    }

    /// Where the .torrent of a source is written; nil for standard output.
    package func path(for source: GetSource) -> String? {
        switch target {
        case .standardOutput: return nil
        case .file(let path): return path
        case .folder(let folder):
            let name = source.infoHash.hex + ".torrent"
            return folder == "." ? name : folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
        }
    }

    /// Whether an earlier run has left what would be written now.
    package func isSaved(_ source: GetSource) -> Bool {
        guard let path = path(for: source),
            let bytes = try? FileContents.read(path, limitBytes: MetainfoLimits.torrentBytes),
            let torrent = try? Torrent(bytes: bytes)
        else { return false }
        return torrent.info.infoHash == source.infoHash
    }

    /// Writes a source whose metadata is known; returns the path, or nil when it was standard output.
    package func save(_ source: GetSource, _ console: Console) throws(CommandFailure) -> String? {
        guard let info = source.info else { return nil }
        var torrent = Torrent(info: info, trackers: source.trackers, nodes: source.nodes)
        torrent.webSeeds = source.webSeeds
        guard let path = path(for: source) else {
            console.data(torrent.encoded())
            return nil
        }
        if case .folder(let folder) = target { try Self.makeFolder(folder) }
        do {
            try NewFile.write(torrent.encoded(), to: path, replacing: false)
        } catch {
            if error == .exists, isSaved(source) { return path }
            throw CommandFailure(error, path: path, advice: "move it away, or name another place")
        }
        return path
    }

    private static func makeFolder(_ path: String) throws(CommandFailure) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            prefix += component
            if mkdir(prefix, 0o777) != 0, errno != EEXIST {
                let code = errno
                // Above the folder there may be ones that exist and that we may not write.
                guard access(prefix, F_OK) == 0 else {
                    let reason = String(cString: strerror(code))
                    throw CommandFailure(.disk, "cannot make the folder \(TerminalText.escaped(path)): \(reason)")
                }
            }
            prefix += "/"
        }
    }
}
