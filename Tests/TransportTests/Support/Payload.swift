import Foundation
import Metainfo
import Primitives

/// Random bytes as a torrent of one file, and a folder of their own for each who has them.
struct Payload {
    let bytes: [UInt8]
    let info: Info
    private let root: URL

    init(byteCount: Int, pieceLength: Int, seed: UInt64) throws {
        var generator = SeededGenerator(number: seed)
        let bytes = generator.bytes(count: byteCount)
        self.bytes = bytes
        let builder = InfoBuilder(name: "payload.bin", length: byteCount, pieceLength: pieceLength)
        var hasher = PieceHasher(pieceLength: pieceLength)
        hasher.update(bytes.span.bytes)
        info = try builder.info(pieceHashes: hasher.finish())
        root = FileManager.default.temporaryDirectory.appending(path: "transport-\(UUID().uuidString)")
    }

    /// An empty folder.
    func folder(_ name: String) throws -> String {
        let folder = root.appending(path: name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.path
    }

    /// A folder with the file in it.
    func seededFolder() throws -> String {
        let folder = try folder("seed")
        try Data(bytes).write(to: URL(filePath: folder).appending(path: info.name))
        return folder
    }

    func content(of folder: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: folder).appending(path: info.name)))
    }

    func remove() {
        try? FileManager.default.removeItem(at: root)
    }
}
