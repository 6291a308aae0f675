import Bencode
import Primitives

/// The values of an info dictionary, read in one walk and then checked against each other.
struct InfoFields {
    let name: String
    let pieceLength: Int
    let totalLength: Int
    let files: [Info.File]
    let isSingleFile: Bool
    let isPrivate: Bool
    let hashes: Range<Int>

    init(_ bytes: RawSpan, maxFiles: Int) throws(MetainfoError) {
        let raw = try RawFields(bytes, maxFiles: maxFiles)
        // First, because nothing else of such a dictionary would make sense as v1.
        if raw.isVersion2, raw.pieces == nil { throw .version2Only }
        guard let name = raw.nameUTF8.nonEmpty ?? raw.name else {
            throw raw.odd.contains(.name) ? .wrongType(.name) : .missing(.name)
        }
        guard let pieceLength = raw.pieceLength else { throw .missing(.pieceLength) }
        guard MetainfoLimits.pieceLengths.contains(pieceLength) else { throw .pieceLengthOutOfRange(pieceLength) }
        guard let hashes = raw.pieces else { throw .missing(.pieces) }
        guard hashes.count.isMultiple(of: ID160.byteCount) else { throw .piecesNotMultipleOf20(bytes: hashes.count) }

        switch (raw.length, raw.files) {
        case (_, let list?):
            // With both, `files` is what other clients go by.
            guard !list.isEmpty else { throw .noFiles }
            files = list
            isSingleFile = false
        case (let length?, nil):
            guard length >= 0 else { throw .negativeLength(file: 0) }
            // All of a torrent is no padding, and a link to nowhere.
            let attributes = raw.attributes.intersection([.executable, .hidden])
            files = [Info.File(path: [name], length: Int(length), offset: 0, attributes: attributes)]
            isSingleFile = true
        case (nil, nil): throw raw.odd.contains(.length) ? .wrongType(.length) : .neitherLengthNorFiles
        }
        let totalLength = files.last.map { $0.offset + $0.length } ?? 0
        let expected = totalLength / Int(pieceLength) + (totalLength.isMultiple(of: Int(pieceLength)) ? 0 : 1)
        let found = hashes.count / ID160.byteCount
        guard found == expected else { throw .wrongPieceCount(expected: expected, found: found) }

        self.name = name
        self.pieceLength = Int(pieceLength)
        self.totalLength = totalLength
        self.hashes = hashes
        isPrivate = raw.isPrivate
    }
}

/// The top level of the dictionary, each value of the right type or absent.
private struct RawFields {
    private(set) var name: String?
    private(set) var pieceLength: Int64?
    private(set) var pieces: Range<Int>?
    private(set) var length: Int64?
    private(set) var files: [Info.File]?
    private(set) var attributes: FileAttributes = []
    private(set) var isPrivate = false
    private(set) var isVersion2 = false
    /// What some clients write beside a `name` in another encoding.
    private(set) var nameUTF8: String?
    /// Fields of a type that they should not have, which another field may make up for.
    private(set) var odd: Set<MetainfoField> = []

    init(_ bytes: RawSpan, maxFiles: Int) throws(MetainfoError) {
        var reader = MetainfoReader(bytes)
        try reader.enterDictionary(.info, in: bytes)
        while let key = try reader.nextKey(in: bytes) {
            if bytes.matches("name", at: key) {
                if let text = try reader.stringOrSkip(in: bytes) {
                    try set(&name, to: bytes.text(text), .name)
                } else {
                    odd.insert(.name)
                }
            } else if bytes.matches("name.utf-8", at: key) {
                nameUTF8 = try reader.stringOrSkip(in: bytes).map { bytes.text($0) }
            } else if bytes.matches("piece length", at: key) {
                try set(&pieceLength, to: try reader.integer(.pieceLength, in: bytes), .pieceLength)
            } else if bytes.matches("pieces", at: key) {
                try set(&pieces, to: try reader.string(.pieces, in: bytes), .pieces)
            } else if bytes.matches("length", at: key) {
                if let number = try reader.integerOrSkip(in: bytes) {
                    try set(&length, to: number, .length)
                } else {
                    odd.insert(.length)
                }
            } else if bytes.matches("files", at: key) {
                try set(&files, to: try FileList.read(&reader, bytes, maxFiles: maxFiles), .files)
            } else if bytes.matches("attr", at: key) {
                attributes = try reader.attributes(in: bytes)
            } else if bytes.matches("private", at: key) {
                isPrivate = try reader.saysPrivate(in: bytes)
            } else if bytes.matches("meta version", at: key) {
                isVersion2 = try reader.integerOrSkip(in: bytes) == 2
            } else {
                _ = try reader.skip(in: bytes)
            }
        }
        try reader.finish()
    }
}

/// The value of `files`.
private enum FileList {
    static func read(
        _ reader: inout MetainfoReader, _ bytes: RawSpan, maxFiles: Int
    ) throws(MetainfoError) -> [Info.File] {
        var files: [Info.File] = []
        var offset = 0
        try reader.enterList(.files, in: bytes)
        while try reader.nextElement(in: bytes) {
            guard files.count < maxFiles else { throw .tooManyFiles(limit: maxFiles) }
            let file = try readFile(&reader, bytes, index: files.count, offset: offset)
            let (end, overflow) = offset.addingReportingOverflow(file.length)
            guard !overflow else { throw .totalTooLarge }
            files.append(file)
            offset = end
        }
        return files
    }

    /// The value of `path`; nil components for what is no list of strings.
    private struct FilePath {
        var components: [String]?
    }

    private static func readFile(
        _ reader: inout MetainfoReader, _ bytes: RawSpan, index: Int, offset: Int
    ) throws(MetainfoError) -> Info.File {
        var length: Int64?
        var path: FilePath?
        var pathUTF8: [String]?
        var attributes: FileAttributes = []
        try reader.enterDictionary(.files, in: bytes)
        while let key = try reader.nextKey(in: bytes) {
            if bytes.matches("length", at: key) {
                try set(&length, to: try reader.integer(.length, in: bytes), .length)
            } else if bytes.matches("path", at: key) {
                try set(&path, to: FilePath(components: try readPath(&reader, bytes)), .path)
            } else if bytes.matches("path.utf-8", at: key) {
                pathUTF8 = try readPath(&reader, bytes)
            } else if bytes.matches("attr", at: key) {
                attributes = try reader.attributes(in: bytes)
            } else {
                _ = try reader.skip(in: bytes)
            }
        }
        // A link has no content, whatever its length (BEP 47), and padding needs no path.
        if attributes.contains(.symbolicLink) { length = 0 }
        guard let length else { throw .missing(.length) }
        guard length >= 0 else { throw .negativeLength(file: index) }
        if path == nil, attributes.contains(.padding) { path = FilePath(components: [".pad", "\(length)"]) }
        guard path != nil || pathUTF8.nonEmpty != nil else { throw .missing(.path) }
        guard let components = pathUTF8.nonEmpty ?? path?.components else { throw .wrongType(.path) }
        // Its bytes are part of the pieces, so that it cannot be left out: it gets a name.
        return Info.File(
            path: components.isEmpty ? ["_"] : components, length: Int(length), offset: offset, attributes: attributes)
    }

    /// Nil when it is no list of strings; empty ones are left out, as other clients do.
    private static func readPath(
        _ reader: inout MetainfoReader, _ bytes: RawSpan
    ) throws(MetainfoError) -> [String]? {
        guard try reader.enterListOrSkip(in: bytes) else { return nil }
        var path: [String]? = []
        while try reader.nextElement(in: bytes) {
            if let component = try reader.stringOrSkip(in: bytes) {
                if !component.isEmpty { path?.append(bytes.text(component)) }
            } else {
                path = nil
            }
        }
        return path
    }
}

extension MetainfoReader {
    /// Whether the value of `private` is anything but 0: a torrent that was meant to be private must not become public
    /// by how its maker wrote it.
    fileprivate mutating func saysPrivate(in bytes: RawSpan) throws(MetainfoError) -> Bool {
        let value = bytes.copy(try skip(in: bytes))
        return !["i0e", "i-0e", "0:", "1:0"].contains { value.elementsEqual($0.utf8) }
    }
}

extension Optional where Wrapped: Collection {
    fileprivate var nonEmpty: Wrapped? { self?.isEmpty == false ? self : nil }
}

/// Takes a value once: a second one of the same key is refused.
private func set<Value>(_ field: inout Value?, to value: Value, _ name: MetainfoField) throws(MetainfoError) {
    guard field == nil else { throw .repeated(name) }
    field = value
}
