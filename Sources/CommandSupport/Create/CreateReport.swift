package import Metainfo
import Primitives

/// What `create --json` prints (docs/reference/json.md).
package enum CreateReport {
    package static func line(for torrent: Torrent, _ tree: SourceTree, path: String) -> JSONLine {
        let info = torrent.info
        return JSONLine(
            event: "created",
            [
                .init("info_hash", .string(info.infoHash.hex)),
                .init("name", .string(info.name)),
                .init("path", .string(path)),
                .init("magnet", .string(torrent.magnet.text)),
                .init("size", .integer(info.totalLength)),
                .init("piece_length", .integer(info.pieceLength)),
                .init("piece_count", .integer(info.pieceCount)),
                .init("file_count", .integer(info.files.count)),
                .init("private", .bool(info.isPrivate)),
                .init("hidden_left_out", .integer(tree.hiddenLeftOut.count)),
                .init("links_left_out", .integer(tree.linksLeftOut.count)),
            ])
    }
}
