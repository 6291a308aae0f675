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
    var seed: Int64?
    var noSeed: Int64?
    var scrape: Int64?
    var item = ItemResults()
    /// The whole of it, to tell one that is too long from none.
    var value: Range<Int>?
    var salt: Range<Int>?
    var expectedSequence: Int64?
    var hasKeyOrSignature = false

    mutating func read(_ reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
        arePresent = true
        while let key = try reader.nextKey(in: bytes) {
            switch key.count {
            case 1, 3: try readShort(key, &reader, in: bytes)
            case 2 where bytes.matches("id", at: key): id.fill(with: try reader.idOrSkip(in: bytes))
            case 4 where bytes.matches("port", at: key): port.fill(with: try reader.integerOrSkip(in: bytes))
            case 4 where bytes.matches("want", at: key):
                guard try reader.enterListOrSkip(in: bytes) else { continue }
                want.fill(with: try Want(&reader, in: bytes))
            case 4 where bytes.matches("salt", at: key): salt.fill(with: try reader.stringOrSkip(in: bytes))
            case 4 where bytes.matches("seed", at: key): seed.fill(with: try reader.integerOrSkip(in: bytes))
            case 5 where bytes.matches("token", at: key):
                let range = try reader.stringOrSkip(in: bytes)
                token.fill(with: range.within(KRPCLimits.tokenByteCount))
            case 6 where bytes.matches("target", at: key): target.fill(with: try reader.idOrSkip(in: bytes))
            case 6 where bytes.matches("scrape", at: key): scrape.fill(with: try reader.integerOrSkip(in: bytes))
            case 6 where bytes.matches("noseed", at: key): noSeed.fill(with: try reader.integerOrSkip(in: bytes))
            case 9 where bytes.matches("info_hash", at: key): infoHash.fill(with: try reader.idOrSkip(in: bytes))
            case 12 where bytes.matches("implied_port", at: key):
                impliedPort.fill(with: try reader.integerOrSkip(in: bytes))
            default: _ = try reader.skip(in: bytes)
            }
        }
    }

    /// Keys of put.
    private mutating func readShort(
        _ key: Range<Int>, _ reader: inout BencodeReader, in bytes: RawSpan
    ) throws(BencodeError) {
        if bytes.matches("cas", at: key) {
            expectedSequence.fill(with: try reader.integerOrSkip(in: bytes))
        } else if bytes.matches("v", at: key) {
            value.fill(with: try reader.skip(in: bytes))
        } else {
            if bytes.matches("k", at: key) || bytes.matches("sig", at: key) { hasKeyOrSignature = true }
            try item.read(key, &reader, in: bytes)
        }
    }
}

// MARK: - What each method needs

extension ArgumentFields {
    /// Checks what the method needs, apart from the id.
    func method(_ name: Range<Int>, in bytes: RawSpan) throws(Refusal) -> Query.Method {
        switch name.count {
        case 3 where bytes.matches("get", at: name):
            guard let target else { throw .missingTarget }
            return .get(target: target, newerThan: item.sequence)
        case 3 where bytes.matches("put", at: name): return .put(try putArguments())
        case 4 where bytes.matches("ping", at: name): return .ping
        case 9 where bytes.matches("find_node", at: name):
            guard let target else { throw .missingTarget }
            return .findNode(target: target)
        case 9 where bytes.matches("get_peers", at: name):
            guard let infoHash else { throw .missingInfoHash }
            return .getPeers(infoHash: infoHash, options)
        case 13 where bytes.matches("announce_peer", at: name): return .announcePeer(try announcement())
        case 17 where bytes.matches("sample_infohashes", at: name):
            guard let target else { throw .missingTarget }
            return .sampleInfoHashes(target: target)
        default:
            guard let target = target ?? infoHash else { throw .unknownMethod }
            return .unknown(target: target)
        }
    }

    private var options: GetPeersOptions {
        var options: GetPeersOptions = []
        if let scrape, scrape != 0 { options.insert(.scrape) }
        if let noSeed, noSeed != 0 { options.insert(.noSeeds) }
        return options
    }

    private func announcement() throws(Refusal) -> Announcement {
        guard let infoHash else { throw .missingInfoHash }
        guard let token else { throw .missingToken }
        let isSeed = seed.map { $0 != 0 } ?? false
        if let impliedPort, impliedPort != 0 {
            return Announcement(infoHash: infoHash, port: nil, token: token, isSeed: isSeed)
        }
        guard let port = port.flatMap(UInt16.init(exactly:)), port != 0 else { throw .invalidPort }
        return Announcement(infoHash: infoHash, port: port, token: token, isSeed: isSeed)
    }

    private func putArguments() throws(Refusal) -> PutArguments {
        guard let token else { throw .missingToken }
        guard let value else { throw .missingValue }
        guard value.count <= KRPCLimits.valueByteCount else { throw .valueTooBig }
        guard hasKeyOrSignature else {
            return PutArguments(token: token, value: value, signed: nil, expectedSequence: nil)
        }
        guard let key = item.key, let signature = item.signature, let sequence = item.sequence else {
            throw .incompleteSignature
        }
        let salt = salt ?? 0..<0
        guard salt.count <= KRPCLimits.saltByteCount else { throw .saltTooBig }
        let signed = PutArguments.Signed(key: key, signature: signature, sequence: sequence, salt: salt)
        return PutArguments(token: token, value: value, signed: signed, expectedSequence: expectedSequence)
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
