import Bencode
package import Primitives

/// Makes a v1 info dictionary of names, lengths and piece hashes.
///
///     let builder = InfoBuilder(name: "photo.jpg", length: bytes.count)
///     var hasher = PieceHasher(pieceLength: builder.pieceLength)
///     hasher.update(bytes.span.bytes)
///     let info = try builder.info(pieceHashes: hasher.finish())
package struct InfoBuilder: Sendable {
    package var isPrivate = false
    /// Names the tracker that it is made for: the same files have another infohash elsewhere.
    package var source: String?
    /// Bytes per piece, as given or chosen.
    package let pieceLength: Int
    /// Bytes of all files together; `Int.max` where that is not even a number.
    package let totalLength: Int
    private let name: String
    private let content: Content

    private enum Content {
        case file(length: Int)
        case directory([File])
    }

    /// A file to be: its path below the folder, its size, and what is to be said of it (BEP 47).
    package struct File: Equatable, Sendable {
        package let path: [String]
        package let length: Int
        package let attributes: FileAttributes

        package init(path: [String], length: Int, attributes: FileAttributes = []) {
            self.path = path
            self.length = length
            self.attributes = attributes
        }
    }

    /// A single file called `name`; without a piece length, one that fits the size is chosen.
    package init(name: String, length: Int, pieceLength: Int? = nil) {
        self.name = name
        totalLength = length
        self.pieceLength = pieceLength ?? Self.suggestedPieceLength(totalLength: length)
        content = .file(length: length)
    }

    /// A directory called `name` with files in the order of their bytes, paths relative to it.
    package init(name: String, files: [(path: [String], length: Int)], pieceLength: Int? = nil) {
        self.init(name: name, files: files.map { File(path: $0.path, length: $0.length) }, pieceLength: pieceLength)
    }

    /// The same with attributes; `aligned` adds padding, so that every file begins with a piece.
    package init(name: String, files: [File], pieceLength: Int? = nil, aligned: Bool = false) {
        self.name = name
        // Saturates: nonsense lengths are refused by `info`, they must not trap here.
        let total = files.reduce(0) { sum, file in
            let (total, overflow) = sum.addingReportingOverflow(file.length)
            return overflow ? .max : total
        }
        let pieceLength = pieceLength ?? Self.suggestedPieceLength(totalLength: total)
        self.pieceLength = pieceLength
        let all = aligned && total < 1 << 62 ? Self.padded(files, to: pieceLength) : files
        totalLength = all.count == files.count ? total : all.reduce(0) { $0 + $1.length }
        content = .directory(all)
    }

    /// A power of two, 16 KiB to 16 MiB, that makes about 1,000 to 2,000 pieces: enough for peers to trade, few enough
    /// for metadata that arrives in one or two requests.
    package static func suggestedPieceLength(totalLength: Int) -> Int {
        var pieceLength = 16 << 10
        while pieceLength < 16 << 20, totalLength / pieceLength >= 2_000 { pieceLength *= 2 }
        return pieceLength
    }

    /// The dictionary with hashes of zeros: its layout of pieces and files is that of the torrent to be.
    package func draft() throws(MetainfoError) -> Info {
        let count = max(0, totalLength - 1) / pieceLength + (totalLength > 0 ? 1 : 0)
        guard count <= MetainfoLimits.infoBytes / ID160.byteCount else {
            throw .tooLarge(limitBytes: MetainfoLimits.infoBytes)
        }
        return try info(pieceHashes: Array(repeating: .zero, count: count))
    }

    /// The canonical dictionary, checked as one from the network would be.
    package func info(pieceHashes: [ID160]) throws(MetainfoError) -> Info {
        var writer = BencodeWriter()
        writer.beginDictionary()
        if case .directory(let files) = content {
            writer.key("files")
            writer.beginList()
            for file in files { Self.write(file, to: &writer) }
            writer.end()
        }
        if case .file(let length) = content {
            writer.key("length")
            writer.integer(length)
        }
        writer.key("name")
        writer.string(name.utf8)
        writer.key("piece length")
        writer.integer(pieceLength)
        writer.key("pieces")
        writer.string(pieceHashes.flatMap(\.bytes))
        if isPrivate {
            writer.key("private")
            writer.integer(1)
        }
        if let source {
            writer.key("source")
            writer.string(source.utf8)
        }
        writer.end()
        return try Info(bytes: writer.bytes)
    }

    /// Padding as BEP 47 recommends it: called by its size, behind each file but the last that does not end a piece.
    private static func padded(_ files: [File], to pieceLength: Int) -> [File] {
        var padded: [File] = []
        var offset = 0
        for file in files {
            let gap = (pieceLength - offset % pieceLength) % pieceLength
            if gap > 0, file.length > 0 {
                padded.append(File(path: [".pad", "\(gap)"], length: gap, attributes: .padding))
                offset += gap
            }
            padded.append(file)
            offset += file.length
        }
        return padded
    }

    private static func write(_ file: File, to writer: inout BencodeWriter) {
        writer.beginDictionary()
        if !file.attributes.isEmpty {
            writer.key("attr")
            writer.string(file.attributes.text.utf8)
        }
        writer.key("length")
        writer.integer(file.length)
        writer.key("path")
        writer.beginList()
        for component in file.path { writer.string(component.utf8) }
        writer.end()
        writer.end()
    }
}
