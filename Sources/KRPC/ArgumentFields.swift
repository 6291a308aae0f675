import Bencode
import Primitives

/// `a`: the arguments of every query we know.
struct ArgumentFields {
    var arePresent = false
    var id: NodeID?
    var target: ID160?
    var infoHash: InfoHash?
    var port: Int64?
    var impliedPort: Int64?
    var token: Range<Int>?
    var want: Want?

    mutating func read(_ reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
        arePresent = true
        while let key = try reader.nextKey(in: bytes) {
            switch key.count {
            case 2 where bytes.matches("id", at: key): id.fill(with: try reader.idOrSkip(in: bytes))
            case 4 where bytes.matches("port", at: key): port.fill(with: try reader.integerOrSkip(in: bytes))
            case 4 where bytes.matches("want", at: key):
                guard try reader.enterListOrSkip(in: bytes) else { continue }
                want.fill(with: try Want(&reader, in: bytes))
            case 5 where bytes.matches("token", at: key):
                let range = try reader.stringOrSkip(in: bytes)
                token.fill(with: range.within(KRPCLimits.tokenByteCount))
            case 6 where bytes.matches("target", at: key): target.fill(with: try reader.idOrSkip(in: bytes))
            case 9 where bytes.matches("info_hash", at: key): infoHash.fill(with: try reader.idOrSkip(in: bytes))
            case 12 where bytes.matches("implied_port", at: key):
                impliedPort.fill(with: try reader.integerOrSkip(in: bytes))
            default: _ = try reader.skip(in: bytes)
            }
        }
    }

    /// Checks what the method needs, apart from the id.
    func method(_ name: Range<Int>, in bytes: RawSpan) throws(Refusal) -> Query.Method {
        switch name.count {
        case 4 where bytes.matches("ping", at: name): return .ping
        case 9 where bytes.matches("find_node", at: name):
            guard let target else { throw .missingTarget }
            return .findNode(target: target)
        case 9 where bytes.matches("get_peers", at: name):
            guard let infoHash else { throw .missingInfoHash }
            return .getPeers(infoHash: infoHash)
        case 13 where bytes.matches("announce_peer", at: name): return .announcePeer(try announcement())
        default:
            guard let target = target ?? infoHash else { throw .unknownMethod }
            return .unknown(target: target)
        }
    }

    private func announcement() throws(Refusal) -> Announcement {
        guard let infoHash else { throw .missingInfoHash }
        guard let token else { throw .missingToken }
        if let impliedPort, impliedPort != 0 { return Announcement(infoHash: infoHash, port: nil, token: token) }
        guard let port = port.flatMap(UInt16.init(exactly:)), port != 0 else { throw .invalidPort }
        return Announcement(infoHash: infoHash, port: port, token: token)
    }
}

extension Want {
    /// Nil when the list names no family that we know.
    fileprivate init?(_ reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
        self = []
        while try reader.nextElement(in: bytes) {
            guard let family = try reader.stringOrSkip(in: bytes) else { continue }
            if bytes.matches("n4", at: family) { insert(.n4) }
            if bytes.matches("n6", at: family) { insert(.n6) }
        }
        if isEmpty { return nil }
    }
}
