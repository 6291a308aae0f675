package import Primitives

/// A message to be written: `encode` appends it, framed, to a buffer that the caller owns.
///
/// Extended messages are written by `ExtensionHandshake` and `MetadataMessage`.
package enum OutgoingMessage: Hashable, Sendable {
    case keepAlive
    case choke
    case unchoke
    case interested
    case notInterested
    case have(Int)
    case bitfield(Bitfield)
    case request(BlockRequest)
    /// The 13 bytes that open a piece message; exactly `length` bytes of payload must be sent after them.
    case pieceHeader(BlockRequest)
    case cancel(BlockRequest)
    case port(UInt16)
    /// The fast extension (BEP 6): only for a peer whose handshake offers it.
    case haveAll
    case haveNone
    case reject(BlockRequest)
    case allowedFast(Int)

    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .keepAlive: bytes.appendBigEndian(UInt32(0))
        case .choke: appendHead(MessageID.choke, bodyLength: 0, to: &bytes)
        case .unchoke: appendHead(MessageID.unchoke, bodyLength: 0, to: &bytes)
        case .interested: appendHead(MessageID.interested, bodyLength: 0, to: &bytes)
        case .notInterested: appendHead(MessageID.notInterested, bodyLength: 0, to: &bytes)
        case .have(let piece):
            appendHead(MessageID.have, bodyLength: 4, to: &bytes)
            bytes.appendBigEndian(UInt32(piece))
        case .bitfield(let pieces):
            let body = pieces.bytes
            appendHead(MessageID.bitfield, bodyLength: body.count, to: &bytes)
            bytes += body
        case .request(let block): append(block, as: MessageID.request, to: &bytes)
        case .cancel(let block): append(block, as: MessageID.cancel, to: &bytes)
        case .pieceHeader(let block):
            appendHead(MessageID.piece, bodyLength: 8 + block.length, to: &bytes)
            bytes.appendBigEndian(UInt32(block.piece))
            bytes.appendBigEndian(UInt32(block.offset))
        case .port(let port):
            appendHead(MessageID.port, bodyLength: 2, to: &bytes)
            bytes.appendBigEndian(port)
        case .haveAll: appendHead(MessageID.haveAll, bodyLength: 0, to: &bytes)
        case .haveNone: appendHead(MessageID.haveNone, bodyLength: 0, to: &bytes)
        case .reject(let block): append(block, as: MessageID.reject, to: &bytes)
        case .allowedFast(let piece):
            appendHead(MessageID.allowedFast, bodyLength: 4, to: &bytes)
            bytes.appendBigEndian(UInt32(piece))
        }
    }

    private func appendHead(_ id: UInt8, bodyLength: Int, to bytes: inout [UInt8]) {
        bytes.appendBigEndian(UInt32(1 + bodyLength))
        bytes.append(id)
    }

    private func append(_ block: BlockRequest, as id: UInt8, to bytes: inout [UInt8]) {
        appendHead(id, bodyLength: 12, to: &bytes)
        bytes.appendBigEndian(UInt32(block.piece))
        bytes.appendBigEndian(UInt32(block.offset))
        bytes.appendBigEndian(UInt32(block.length))
    }
}
