import Bencode
import Primitives

extension Message {
    /// Reads a whole datagram, without allocating.
    package static func decode(_ bytes: RawSpan) throws(KRPCError) -> Message {
        let fields: MessageFields
        do {
            fields = try MessageFields(bytes)
        } catch {
            throw .malformed(error)
        }
        guard let transaction = fields.transaction else { throw .missingTransaction }
        return Message(
            transaction: transaction, body: try fields.body(transaction: transaction, in: bytes),
            version: fields.version, isReadOnly: fields.readOnly == 1, observedEndpoint: fields.observedEndpoint)
    }
}

/// Everything a datagram said, in whatever order: only at its end is it known what the parts belong to.
private struct MessageFields {
    var transaction: Range<Int>?
    var kind: UInt8?
    var method: Range<Int>?
    var arguments: ArgumentFields?
    var results: ResultFields?
    var error: ErrorFields?
    var version: Range<Int>?
    var readOnly: Int64?
    var observedEndpoint: Endpoint?

    init(_ bytes: RawSpan) throws(BencodeError) {
        var reader = BencodeReader(bytes)
        try reader.enterDictionary(in: bytes)
        while let key = try reader.nextKey(in: bytes) {
            switch key.count {
            case 1: try read(bytes.byte(at: key.lowerBound), with: &reader, in: bytes)
            case 2 where bytes.matches("ip", at: key):
                let range = try reader.stringOrSkip(in: bytes) ?? 0..<0
                observedEndpoint.fill(with: Endpoint(compact: bytes, in: range))
            case 2 where bytes.matches("ro", at: key): readOnly.fill(with: try reader.integerOrSkip(in: bytes))
            default: _ = try reader.skip(in: bytes)
            }
        }
        try reader.finish()
    }

    private mutating func read(_ key: UInt8, with reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
        switch key {
        case UInt8(ascii: "a"):
            guard try reader.enterDictionaryOrSkip(in: bytes) else { return }
            arguments.fill(with: try ArgumentFields(&reader, in: bytes))
        case UInt8(ascii: "e"):
            guard try reader.enterListOrSkip(in: bytes) else { return }
            error.fill(with: try ErrorFields(&reader, in: bytes))
        case UInt8(ascii: "q"): method.fill(with: try reader.stringOrSkip(in: bytes))
        case UInt8(ascii: "r"):
            guard try reader.enterDictionaryOrSkip(in: bytes) else { return }
            results.fill(with: try ResultFields(&reader, in: bytes))
        case UInt8(ascii: "t"):
            let range = try reader.stringOrSkip(in: bytes)
            transaction.fill(with: range.within(KRPCLimits.transactionByteCount))
        case UInt8(ascii: "v"): version.fill(with: try reader.stringOrSkip(in: bytes))
        case UInt8(ascii: "y"):
            guard let range = try reader.stringOrSkip(in: bytes), range.count == 1 else { return }
            kind.fill(with: bytes.byte(at: range.lowerBound))
        default: _ = try reader.skip(in: bytes)
        }
    }

    func body(transaction: Range<Int>, in bytes: RawSpan) throws(KRPCError) -> Message.Body {
        switch kind {
        case UInt8(ascii: "q"):
            do {
                return .query(try query(in: bytes))
            } catch {
                throw .refused(transaction: transaction, error)
            }
        case UInt8(ascii: "r"):
            guard let response = results?.response else { throw .missingResponseID }
            return .response(response)
        case UInt8(ascii: "e"):
            return .error(ErrorCode(rawValue: Int(error?.code ?? 0)), text: error?.text ?? 0..<0)
        default: throw .unknownKind
        }
    }

    private func query(in bytes: RawSpan) throws(Refusal) -> Query {
        guard let method else { throw .missingMethod }
        guard let arguments else { throw .missingArguments }
        let verb = try arguments.method(method, in: bytes)
        guard let id = arguments.id else { throw .missingID }
        return Query(id: id, method: verb, want: arguments.want)
    }
}

/// `a`: the arguments of every query we know.
private struct ArgumentFields {
    var id: NodeID?
    var target: ID160?
    var infoHash: InfoHash?
    var port: Int64?
    var impliedPort: Int64?
    var token: Range<Int>?
    var want: Want?

    init(_ reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
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

/// `r`: the results of every query we know.
private struct ResultFields {
    var id: NodeID?
    var nodes: Range<Int>?
    var nodes6: Range<Int>?
    var token: Range<Int>?
    var values: Range<Int>?

    init(_ reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
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
private struct ErrorFields {
    var code: Int64?
    var text: Range<Int>?

    init(_ reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
        while try reader.nextElement(in: bytes) {
            switch try reader.kind(in: bytes) {
            case .integer: code.fill(with: try reader.integer(in: bytes))
            case .string: text.fill(with: try reader.string(in: bytes))
            default: _ = try reader.skip(in: bytes)
            }
        }
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

extension BencodeReader {
    fileprivate mutating func idOrSkip(in bytes: RawSpan) throws(BencodeError) -> ID160? {
        guard let range = try stringOrSkip(in: bytes), range.count == ID160.byteCount else { return nil }
        return ID160(bytes, at: range.lowerBound)
    }
}

extension Optional {
    /// Of a repeated key, the first usable value counts.
    fileprivate mutating func fill(with value: Wrapped?) {
        if self == nil { self = value }
    }
}

extension Range<Int>? {
    fileprivate func within(_ byteCount: Int) -> Range<Int>? {
        guard let self, self.count <= byteCount else { return nil }
        return self
    }
}
