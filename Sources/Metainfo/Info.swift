import Digest
package import Primitives

/// A validated v1 info dictionary (BEP 3): what the infohash stands for.
///
/// Everything that later code divides by, adds up or indexes with was checked: the piece length is positive, there is
/// one hash per piece, lengths are not negative and their sum is an `Int`. Names were checked for structure only and
/// are hostile until `Storage` has made paths of them.
package struct Info: Sendable {
    /// SHA-1 of `bytes`.
    package let infoHash: InfoHash
    /// The dictionary exactly as it was received: what is served to peers (BEP 9) and what was hashed.
    package let bytes: [UInt8]
    /// The name of the file, or of the directory that holds the files; what was not UTF-8 is repaired.
    package let name: String
    /// Bytes per piece; the last one may be shorter.
    package let pieceLength: Int
    /// Bytes of all files together.
    package let totalLength: Int
    /// In the order of the torrent, which is the order of their bytes; some may be empty.
    package let files: [File]
    /// Whether the one file is `name` itself, and not in a directory of that name.
    package let isSingleFile: Bool
    /// BEP 27: peers must come from its trackers only.
    package let isPrivate: Bool
    /// Where in `bytes` the piece hashes are, 20 bytes each.
    private let hashes: Range<Int>
    /// The files that have bytes, so that a million empty ones cost a lookup nothing.
    let nonEmptyFiles: [Int]

    package struct File: Hashable, Sendable {
        /// One or more components: below the directory `name`, or just `name` for a single file.
        package let path: [String]
        package let length: Int
        /// Where its first byte lies in the torrent.
        package let offset: Int
        package var attributes: FileAttributes = []

        /// Zeros that only move the next file to where a piece begins (BEP 47): no file for anybody.
        package var isPadding: Bool { attributes.contains(.padding) }
        /// Only the name of another file, which may be anywhere.
        package var isSymbolicLink: Bool { attributes.contains(.symbolicLink) }
        /// Whether it comes to be a file on disk.
        package var isStored: Bool { attributes.isDisjoint(with: [.padding, .symbolicLink]) }
    }

    /// Reads and validates an info dictionary, at most `MetainfoLimits.infoBytes` long.
    package init(bytes: [UInt8], maxFiles: Int = MetainfoLimits.files) throws(MetainfoError) {
        guard bytes.count <= MetainfoLimits.infoBytes else { throw .tooLarge(limitBytes: MetainfoLimits.infoBytes) }
        let fields = try InfoFields(bytes.span.bytes, maxFiles: maxFiles)
        self.init(fields: fields, bytes: bytes)
    }

    private init(fields: InfoFields, bytes: [UInt8]) {
        infoHash = SHA1.hash(bytes)
        self.bytes = bytes
        name = fields.name
        pieceLength = fields.pieceLength
        totalLength = fields.totalLength
        files = fields.files
        isSingleFile = fields.isSingleFile
        isPrivate = fields.isPrivate
        hashes = fields.hashes
        nonEmptyFiles = files.indices.filter { fields.files[$0].length > 0 }
    }

    package var pieceCount: Int { hashes.count / ID160.byteCount }

    /// Bytes of one piece: `pieceLength`, or what is left for the last one.
    package func length(ofPiece piece: Int) -> Int {
        precondition(piece >= 0 && piece < pieceCount, "no such piece")
        return min(pieceLength, totalLength - piece * pieceLength)
    }

    /// What the SHA-1 of a piece must be.
    package func hash(ofPiece piece: Int) -> ID160 {
        precondition(piece >= 0 && piece < pieceCount, "no such piece")
        return ID160(bytes.span.bytes, at: hashes.lowerBound + piece * ID160.byteCount)
    }
}

extension Info: Hashable {
    /// Equal infohashes mean equal bytes, and everything else follows from those.
    package static func == (left: Info, right: Info) -> Bool { left.infoHash == right.infoHash }

    package func hash(into hasher: inout Hasher) { hasher.combine(infoHash) }
}
