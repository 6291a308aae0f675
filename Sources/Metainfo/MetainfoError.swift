package import Bencode

/// Why bytes are no .torrent file or info dictionary that we can use.
package enum MetainfoError: Error, Hashable, Sendable {
    case tooLarge(limitBytes: Int)
    case malformed(BencodeError)
    case otherFile(OtherFileKind)
    case missing(MetainfoField)
    case wrongType(MetainfoField)
    /// Twice the same key in one dictionary: two clients could read it as two torrents.
    case repeated(MetainfoField)
    /// BEP 3 wants one of `length` and `files`.
    case neitherLengthNorFiles
    /// BEP 52 without the v1 part of a hybrid.
    case version2Only
    case pieceLengthOutOfRange(Int64)
    case piecesNotMultipleOf20(bytes: Int)
    case wrongPieceCount(expected: Int, found: Int)
    case noFiles
    case tooManyFiles(limit: Int)
    case negativeLength(file: Int)
    /// The lengths add up to 2^63 bytes or more.
    case totalTooLarge
}

/// The dictionary keys whose values matter.
package enum MetainfoField: String, Hashable, Sendable {
    case info, name, pieces, length, files, path
    case pieceLength = "piece length"
}

extension MetainfoError: CustomStringConvertible {
    /// One sentence that names what is broken and how it should look.
    package var description: String {
        switch self {
        case .tooLarge(let limit): "the metadata is larger than the limit of \(limit >> 20) MiB"
        case .malformed(let error): "the metadata is not valid bencoding: \(error)"
        case .otherFile(let kind): "it is \(kind.rawValue)"
        case .missing(let field): "the metadata has no '\(field.rawValue)', which every torrent needs"
        case .wrongType(let field): "the value of '\(field.rawValue)' in the metadata is of the wrong type"
        case .repeated(let field): "the metadata has '\(field.rawValue)' twice in one dictionary"
        case .neitherLengthNorFiles: "the metadata has neither 'length' (one file) nor 'files' (several)"
        case .version2Only: "this is a v2-only torrent (BEP 52), which is not supported yet"
        case .pieceLengthOutOfRange(let length):
            "the piece length of \(length) bytes is outside \(Self.pieceLengthText)"
        case .piecesNotMultipleOf20(let bytes): "'pieces' has \(bytes) bytes, which is no multiple of 20"
        case .wrongPieceCount(let expected, let found):
            "the metadata has \(found) piece hashes, but files of this size and piece length need \(expected)"
        case .noFiles: "the list of files is empty"
        case .tooManyFiles(let limit): "the metadata lists more than \(limit) files"
        case .negativeLength(let file): "file \(file + 1) has a negative length"
        case .totalTooLarge: "the files are 2^63 bytes or more in total"
        }
    }

    private static var pieceLengthText: String {
        "\(MetainfoLimits.pieceLengths.lowerBound)...\(MetainfoLimits.pieceLengths.upperBound)"
    }
}
