import Bencode
import Primitives

extension Message {
    /// Reads a whole datagram, without allocating.
    package static func decode(_ bytes: RawSpan) throws(KRPCError) -> Message {
        var fields = MessageFields()
        do {
            try fields.read(bytes)
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
    var arguments = ArgumentFields()
    var results = ResultFields()
    var error = ErrorFields()
    var version: Range<Int>?
    var readOnly: Int64?
    var observedEndpoint: Endpoint?

    mutating func read(_ bytes: RawSpan) throws(BencodeError) {
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
            try arguments.read(&reader, in: bytes)
        case UInt8(ascii: "e"):
            guard try reader.enterListOrSkip(in: bytes) else { return }
            try error.read(&reader, in: bytes)
        case UInt8(ascii: "q"): method.fill(with: try reader.stringOrSkip(in: bytes))
        case UInt8(ascii: "r"):
            guard try reader.enterDictionaryOrSkip(in: bytes) else { return }
            try results.read(&reader, in: bytes)
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
            guard let response = results.response else { throw .missingResponseID }
            return .response(response)
        case UInt8(ascii: "e"):
            return .error(ErrorCode(rawValue: Int(error.code ?? 0)), text: error.text ?? 0..<0)
        default: throw .unknownKind
        }
    }

    private func query(in bytes: RawSpan) throws(Refusal) -> Query {
        guard let method else { throw .missingMethod }
        guard arguments.arePresent else { throw .missingArguments }
        let verb = try arguments.method(method, in: bytes)
        guard let id = arguments.id else { throw .missingID }
        return Query(id: id, method: verb, want: arguments.want)
    }
}
