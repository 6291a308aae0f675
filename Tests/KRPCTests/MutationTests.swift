import Bencode
import Glibc
import KRPC
import Primitives
import Testing

/// Damaged packets by the hundred thousand: none may trap, and what is read must lie within the packet.
///
/// `MAINLINE_MUTATIONS` in the environment sets how many; `MAINLINE_SEED` which.
@Suite struct MutationTests {
    static let count = environment("MAINLINE_MUTATIONS") ?? 200_000
    static let seed = UInt64(environment("MAINLINE_SEED") ?? 1)

    @Test func theDecoderSurvivesDamagedPackets() throws {
        var mutator = Mutator(corpus: try Self.corpus(), generator: SeededGenerator(number: Self.seed))
        var decoded = 0
        for _ in 0..<Self.count {
            let bytes = mutator.next()
            let span = bytes.span.bytes
            do {
                let message = try Message.decode(span)
                decoded += 1
                if let fault = Self.fault(of: message, in: span) {
                    Issue.record("\(fault): \(Hex.encode(bytes))")
                }
            } catch .refused(let transaction, _) {
                if !Self.isWithin(transaction, span, atMost: 20) { Issue.record("transaction: \(Hex.encode(bytes))") }
            } catch {
                continue
            }
        }
        // Neither harmless nor hopeless, else the test would not test.
        #expect(decoded > Self.count / 20)
        #expect(decoded < Self.count / 2)
    }

    @Test func theReaderWalksAndSkipsAlike() throws {
        var generator = SeededGenerator(number: Self.seed)
        var mutator = Mutator(corpus: try Self.corpus() + Self.values, generator: generator.split())
        let limits = BencodeLimits(depth: 6, tokens: 40)
        var accepted = 0
        for _ in 0..<Self.count {
            let bytes = mutator.next()
            let span = bytes.span.bytes
            var skipper = BencodeReader(span, limits: limits)
            var walker = skipper
            let skipped: Result<Range<Int>, BencodeError> = Result { () throws(BencodeError) in
                try skipper.skip(in: span)
            }
            let walked: Result<Range<Int>, BencodeError> = Result { () throws(BencodeError) in
                try Self.walk(&walker, in: span)
                return 0..<walker.offset
            }
            if skipped != walked { Issue.record("skipped \(skipped), walked \(walked): \(Hex.encode(bytes))") }
            guard case .success(let range) = skipped else { continue }
            accepted += 1
            if range.upperBound > bytes.count { Issue.record("read beyond the end: \(Hex.encode(bytes))") }
        }
        #expect(accepted > Self.count / 20)
        #expect(accepted < Self.count * 3 / 4)
    }

    /// Reads a value of any kind by its parts, in the plainest way.
    private static func walk(_ reader: inout BencodeReader, in bytes: RawSpan) throws(BencodeError) {
        switch try reader.kind(in: bytes) {
        case .integer: _ = try reader.integerOrSkip(in: bytes)
        case .string: _ = try reader.string(in: bytes)
        case .list:
            try reader.enterList(in: bytes)
            while try reader.nextElement(in: bytes) { try walk(&reader, in: bytes) }
        case .dictionary:
            try reader.enterDictionary(in: bytes)
            while try reader.nextKey(in: bytes) != nil { try walk(&reader, in: bytes) }
        case .end: throw .unexpectedByte(at: reader.offset)
        }
    }

    /// What in a decoded message is not as promised.
    private static func fault(of message: Message, in bytes: RawSpan) -> String? {
        guard isWithin(message.transaction, bytes, atMost: 20) else { return "transaction" }
        guard isWithin(message.version ?? 0..<0, bytes) else { return "version" }
        switch message.body {
        case .query(let query):
            return fault(of: query.method, in: bytes)
        case .response(let response):
            guard isWithin(response.token ?? 0..<0, bytes, atMost: 64) else { return "token" }
            return fault(of: response, in: bytes)
        case .error(_, let text):
            return isWithin(text, bytes) ? nil : "text"
        }
    }

    private static func fault(of method: Query.Method, in bytes: RawSpan) -> String? {
        switch method {
        case .announcePeer(let announcement):
            guard announcement.port != 0 else { return "port" }
            return isWithin(announcement.token, bytes, atMost: 64) ? nil : "token"
        case .put(let put):
            guard isWithin(put.token, bytes, atMost: 64) else { return "token" }
            guard isWithin(put.value, bytes, atMost: 1000), !put.value.isEmpty else { return "value" }
            guard let signed = put.signed else { return nil }
            guard signed.key.count == 32, isWithin(signed.key, bytes) else { return "key" }
            guard signed.signature.count == 64, isWithin(signed.signature, bytes) else { return "signature" }
            return isWithin(signed.salt, bytes, atMost: 64) ? nil : "salt"
        default: return nil
        }
    }

    private static func fault(of response: Response, in bytes: RawSpan) -> String? {
        if let item = response.item {
            guard isWithin(item.value ?? 0..<0, bytes, atMost: 1000) else { return "value" }
            guard isWithin(item.key ?? 0..<0, bytes), isWithin(item.signature ?? 0..<0, bytes) else { return "key" }
        }
        if let samples = response.samples {
            guard isWithin(samples.hashes, bytes), samples.hashes.count.isMultiple(of: 20) else { return "samples" }
        }
        if let filters = response.filters {
            guard filters.seeds.count == 256, isWithin(filters.seeds, bytes) else { return "filter" }
            guard filters.peers.count == 256, isWithin(filters.peers, bytes) else { return "filter" }
        }
        for nodes in [response.nodes, response.nodes6] {
            guard isWithin(nodes.range, bytes) else { return "nodes" }
            for index in 0..<nodes.count where nodes[index, in: bytes].endpoint.family != nodes.family {
                return "family"
            }
        }
        guard isWithin(response.values.list, bytes) else { return "values" }
        var peers = response.values.makeIterator(in: bytes)
        var peersLeft = response.values.list.count / Endpoint.compactByteCountV4
        while peers.next(in: bytes) != nil { peersLeft -= 1 }
        return peersLeft < 0 ? "more peers than bytes" : nil
    }

    private static func isWithin(_ range: Range<Int>, _ bytes: RawSpan, atMost count: Int = .max) -> Bool {
        range.lowerBound >= 0 && range.upperBound <= bytes.byteCount && range.count <= count
    }

    /// One packet of every kind.
    private static func corpus() throws -> [[UInt8]] {
        var generator = SeededGenerator(number: 9)
        let encoder = MessageEncoder(id: .random(using: &generator), isReadOnly: true)
        var packets = [[UInt8]](repeating: [], count: 11)
        encoder.ping(number: 1, into: &packets[0])
        encoder.findNode(target: .random(using: &generator), want: [.n4, .n6], number: 2, into: &packets[1])
        encoder.getPeers(infoHash: .random(using: &generator), number: 3, into: &packets[2])
        encoder.announcePeer(
            infoHash: .random(using: &generator), port: 6881, impliedPort: true, token: generator.bytes(count: 8),
            number: 4, into: &packets[3])
        let ping = packets[0]
        let transaction = try Message.decode(ping.span.bytes).transaction
        encoder.reply(
            to: transaction, of: ping.span.bytes, observed: .random(.v4, using: &generator), into: &packets[4])
        for index in 5...6 {
            let content = ReplyContent.random(using: &generator)
            encoder.reply(content, to: transaction, of: ping.span.bytes, into: &packets[index])
        }
        encoder.error(.generic, "oops", to: transaction, of: ping.span.bytes, into: &packets[7])
        let signed = Item.Signed(
            key: generator.bytes(count: 32), salt: generator.bytes(count: 5), sequence: 17,
            signature: generator.bytes(count: 64))
        let item = Item(value: Array("d1:ali1e2:bbee".utf8), signed: signed)
        encoder.put(item, expectedSequence: 16, token: generator.bytes(count: 8), number: 5, into: &packets[8])
        encoder.get(target: .random(using: &generator), newerThan: 3, number: 6, into: &packets[9])
        let content = ReplyContent(token: 3, extra: .item(item))
        encoder.reply(content, to: transaction, of: ping.span.bytes, into: &packets[10])
        return packets
    }

    private static let values = [
        "i-42e", "0:", "12:abcdefghijkl", "llllleeeee", "d1:ad1:bd1:cleeee", "li1ei2ei3e1:a2:bb3:cccledee",
        "d0:0:1:ai9223372036854775807e1:bl0:0:0:ee",
    ].map { Array($0.utf8) }

    private static func environment(_ name: String) -> Int? {
        getenv(name).flatMap { Int(String(cString: $0)) }
    }
}
