import Bencode
import Primitives

/// `r`: the results of every query we know.
struct ResultFields {
    var id: NodeID?
    var nodes: Range<Int>?
    var nodes6: Range<Int>?
    var token: Range<Int>?
    var values: Range<Int>?

    mutating func read(_ reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
        while let key = try reader.nextKey(in: bytes) {
            switch key.count {
            case 2 where bytes.matches("id", at: key): id.fill(with: try reader.idOrSkip(in: bytes))
            case 5 where bytes.matches("nodes", at: key): nodes.fill(with: try reader.stringOrSkip(in: bytes))
            case 5 where bytes.matches("token", at: key):
                let range = try reader.stringOrSkip(in: bytes)
                token.fill(with: range.within(KRPCLimits.tokenByteCount))
            case 6 where bytes.matches("nodes6", at: key): nodes6.fill(with: try reader.stringOrSkip(in: bytes))
            case 6 where bytes.matches("values", at: key):
                let isList = try reader.kind(in: bytes) == .list
                let range = try reader.skip(in: bytes)
                values.fill(with: isList ? range : nil)
            default: _ = try reader.skip(in: bytes)
            }
        }
    }

    var response: Response? {
        guard let id else { return nil }
        return Response(
            id: id, nodes: CompactNodes(nodes, family: .v4), nodes6: CompactNodes(nodes6, family: .v6), token: token,
            values: PeerValues(list: values ?? 0..<0))
    }
}

/// `e`: a code and a text; whatever else is in the list is passed over.
struct ErrorFields {
    var code: Int64?
    var text: Range<Int>?

    mutating func read(_ reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
        while try reader.nextElement(in: bytes) {
            switch try reader.kind(in: bytes) {
            case .integer: code.fill(with: try reader.integer(in: bytes))
            case .string: text.fill(with: try reader.string(in: bytes))
            default: _ = try reader.skip(in: bytes)
            }
        }
    }
}
