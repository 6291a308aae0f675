import Digest
import Metainfo
import Primitives

/// A torrent and its bytes.
struct TestTorrent {
    let info: Info
    let content: [UInt8]

    init(info: Info, content: [UInt8]) {
        self.info = info
        self.content = content
    }

    /// One file of random bytes.
    init(name: String = "file.bin", length: Int, pieceLength: Int = 1_000) throws {
        content = Self.bytes(count: length)
        info = try InfoBuilder(name: name, length: length, pieceLength: pieceLength)
            .info(pieceHashes: Self.hashes(content, pieceLength))
    }

    /// Files in a folder; paths with slashes between the components.
    ///
    /// Those with an index in `padding` are zeros (BEP 47).
    init(
        name: String = "folder", files: [(path: String, length: Int)], padding: Set<Int> = [],
        pieceLength: Int = 1_000
    ) throws {
        try self.init(
            name: name,
            paths: files.map {
                ($0.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init), $0.length)
            },
            padding: padding, pieceLength: pieceLength)
    }

    init(
        name: String = "folder", paths: [(path: [String], length: Int)], padding: Set<Int> = [],
        pieceLength: Int = 1_000
    ) throws {
        var content = Self.bytes(count: paths.reduce(0) { $0 + $1.length })
        var offset = 0
        for (index, file) in paths.enumerated() {
            if padding.contains(index) {
                content.replaceSubrange(offset..<offset + file.length, with: repeatElement(0, count: file.length))
            }
            offset += file.length
        }
        self.content = content
        let files = paths.enumerated().map { index, file in
            InfoBuilder.File(
                path: file.path, length: file.length, attributes: padding.contains(index) ? .padding : [])
        }
        info = try InfoBuilder(name: name, files: files, pieceLength: pieceLength)
            .info(pieceHashes: Self.hashes(content, pieceLength))
    }

    /// What a file must contain.
    func content(ofFile index: Int) -> [UInt8] {
        let file = info.files[index]
        return Array(content[file.offset..<file.offset + file.length])
    }

    func bytes(piece: Int, offset: Int, length: Int) -> ArraySlice<UInt8> {
        let start = piece * info.pieceLength + offset
        return content[start..<start + length]
    }

    /// A marker's head as the first version had it.
    static func firstVersion(of head: [UInt8]) -> [UInt8] {
        var body = Array(head.dropLast(20))
        body[11] = 1
        return body + SHA1.hash(body).bytes
    }

    private static func hashes(_ content: [UInt8], _ pieceLength: Int) -> [ID160] {
        var hasher = PieceHasher(pieceLength: pieceLength)
        hasher.update(content.span.bytes)
        return hasher.finish()
    }

    private static func bytes(count: Int) -> [UInt8] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        let words = (0..<(count + 7) / 8).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }
}

/// Dictionaries whose content need not be random.
enum PieceHashes {
    static func ofZeros(count: Int, length: Int) -> Info? {
        let content = [UInt8](repeating: 0, count: count * length)
        var hasher = PieceHasher(pieceLength: length)
        hasher.update(content.span.bytes)
        return try? InfoBuilder(name: "zeros", length: content.count, pieceLength: length)
            .info(pieceHashes: hasher.finish())
    }
}
