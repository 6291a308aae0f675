import Bencode
import Primitives

/// The exchange of the info dictionary in parts of 16 KiB (BEP 9): the payload of a `ut_metadata` message.
package enum MetadataMessage: Hashable, Sendable {
    /// At most `Int32.max`, else not checked: the receiver knows how many parts there are.
    case request(piece: Int)
    /// `payload` is the range of 1 to 16,384 bytes that follow the dictionary. `totalSize` repeats what the peer's
    /// handshake said, if it is there and positive.
    case data(piece: Int, totalSize: Int?, payload: Range<Int>)
    /// The peer does not have the part, or does not want to send it.
    case reject(piece: Int)
    /// A kind that later versions may have, to be ignored.
    case unknown(type: Int64)

    package static let pieceLength = 16 * 1024

    /// Reads the payload of an extended message: `message` is its range within `bytes`.
    package init(_ bytes: RawSpan, in message: Range<Int>) throws(PeerFault) {
        let fields: Fields
        do {
            fields = try Fields(bytes, in: message)
        } catch {
            throw .malformedExtension
        }
        guard let type = fields.type else { throw .malformedExtension }
        guard 0...2 ~= type else {
            self = .unknown(type: type)
            return
        }
        guard let piece = fields.piece.flatMap({ Int32(exactly: $0) }), piece >= 0 else { throw .malformedExtension }
        switch type {
        case 0: self = .request(piece: Int(piece))
        case 1:
            let payload = fields.end..<message.upperBound
            guard 1...MetadataMessage.pieceLength ~= payload.count else { throw .malformedExtension }
            let totalSize = fields.totalSize.flatMap { $0 > 0 ? Int(exactly: $0) : nil }
            self = .data(piece: Int(piece), totalSize: totalSize, payload: payload)
        default: self = .reject(piece: Int(piece))
        }
    }

    /// Appends a whole message that asks for a part; `id` is the one that the peer announced.
    package static func encodeRequest(piece: Int, id: UInt8, into bytes: inout [UInt8]) {
        ExtensionID.append(id, to: &bytes) { append(type: 0, piece: piece, totalSize: nil, to: &$0) }
    }

    /// Appends a whole message that refuses a part; `id` is the one that the peer announced.
    package static func encodeReject(piece: Int, id: UInt8, into bytes: inout [UInt8]) {
        ExtensionID.append(id, to: &bytes) { append(type: 2, piece: piece, totalSize: nil, to: &$0) }
    }

    /// Appends a whole message with part `piece` of `metadata`, which must have it; `id` is the one that the peer
    /// announced.
    package static func encodeData(piece: Int, of metadata: [UInt8], id: UInt8, into bytes: inout [UInt8]) {
        ExtensionID.append(id, to: &bytes) { bytes in
            append(type: 1, piece: piece, totalSize: metadata.count, to: &bytes)
            bytes += metadata[(piece * pieceLength)...].prefix(pieceLength)
        }
    }

    private static func append(type: Int, piece: Int, totalSize: Int?, to bytes: inout [UInt8]) {
        var writer = BencodeWriter(moving: &bytes)
        writer.beginDictionary()
        writer.key("msg_type")
        writer.integer(type)
        writer.key("piece")
        writer.integer(piece)
        if let totalSize {
            writer.key("total_size")
            writer.integer(totalSize)
        }
        writer.end()
        writer.move(to: &bytes)
    }
}

/// The dictionary at the head of a metadata message.
private struct Fields {
    var type: Int64?
    var piece: Int64?
    var totalSize: Int64?
    /// Where the dictionary ends.
    let end: Int

    init(_ bytes: RawSpan, in message: Range<Int>) throws(BencodeError) {
        var reader = BencodeReader(bytes, in: message)
        try reader.enterDictionary(in: bytes)
        while let key = try reader.nextKey(in: bytes) {
            let value = try reader.integerOrSkip(in: bytes)
            if bytes.matches("msg_type", at: key) {
                type = value
            } else if bytes.matches("piece", at: key) {
                piece = value
            } else if bytes.matches("total_size", at: key) {
                totalSize = value
            }
        }
        end = reader.offset
    }
}
