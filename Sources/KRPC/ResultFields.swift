import Bencode
import Primitives

/// `r`: the results of every query we know.
struct ResultFields {
    var id: NodeID?
    var nodes: Range<Int>?
    var nodes6: Range<Int>?
    var token: Range<Int>?
    var values: Range<Int>?
    var item = ItemResults()
    var interval: Int64?
    var total: Int64?
    var samples: Range<Int>?
    var seedFilter: Range<Int>?
    var peerFilter: Range<Int>?

    mutating func read(_ reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
        while let key = try reader.nextKey(in: bytes) {
            switch key.count {
            case 1, 3: try readShort(key, &reader, in: bytes)
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
            case 4 where bytes.matches("BFsd", at: key):
                seedFilter.fill(with: try reader.stringOrSkip(in: bytes).ofExactly(KRPCLimits.filterByteCount))
            case 4 where bytes.matches("BFpe", at: key):
                peerFilter.fill(with: try reader.stringOrSkip(in: bytes).ofExactly(KRPCLimits.filterByteCount))
            case 7 where bytes.matches("samples", at: key): samples.fill(with: try reader.stringOrSkip(in: bytes))
            case 8 where bytes.matches("interval", at: key):
                interval.fill(with: try reader.integerOrSkip(in: bytes))
            default: _ = try reader.skip(in: bytes)
            }
        }
    }

    /// Keys that only few responses have.
    private mutating func readShort(
        _ key: Range<Int>, _ reader: inout BencodeReader, in bytes: RawSpan
    ) throws(BencodeError) {
        if bytes.matches("num", at: key) {
            total.fill(with: try reader.integerOrSkip(in: bytes))
        } else {
            try item.read(key, &reader, in: bytes)
        }
    }

    var response: Response? {
        guard let id else { return nil }
        return Response(
            id: id, nodes: CompactNodes(nodes, family: .v4), nodes6: CompactNodes(nodes6, family: .v6), token: token,
            values: PeerValues(list: values ?? 0..<0), item: item.fields, samples: sampleFields, filters: filters)
    }

    private var sampleFields: SampleFields? {
        guard let samples, samples.count.isMultiple(of: ID160.byteCount) else { return nil }
        let seconds = min(max(interval ?? 0, 0), Int64(KRPCLimits.longestSampleInterval))
        return SampleFields(interval: Int(seconds), total: Int(clamping: max(total ?? 0, 0)), hashes: samples)
    }

    private var filters: FilterFields? {
        guard let seedFilter, let peerFilter else { return nil }
        return FilterFields(seeds: seedFilter, peers: peerFilter)
    }
}

/// `v`, `k`, `sig` and `seq` of a response to `get` (BEP 44).
struct ItemResults {
    var value: Range<Int>?
    var key: Range<Int>?
    var signature: Range<Int>?
    var sequence: Int64?

    mutating func read(
        _ name: Range<Int>, _ reader: inout BencodeReader, in bytes: RawSpan
    ) throws(BencodeError) {
        switch name.count {
        case 1 where bytes.matches("v", at: name):
            value.fill(with: Optional(try reader.skip(in: bytes)).within(KRPCLimits.valueByteCount))
        case 1 where bytes.matches("k", at: name):
            key.fill(with: try reader.stringOrSkip(in: bytes).ofExactly(KRPCLimits.keyByteCount))
        case 3 where bytes.matches("sig", at: name):
            signature.fill(with: try reader.stringOrSkip(in: bytes).ofExactly(KRPCLimits.signatureByteCount))
        case 3 where bytes.matches("seq", at: name): sequence.fill(with: try reader.integerOrSkip(in: bytes))
        default: _ = try reader.skip(in: bytes)
        }
    }

    var fields: ItemFields? {
        guard value != nil || sequence != nil else { return nil }
        return ItemFields(value: value, key: key, signature: signature, sequence: sequence)
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
