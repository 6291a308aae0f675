import Bencode
import Primitives

extension AnnounceReply {
    /// Reads the body of an HTTP reply (BEP 3, 7, 23, 24, 31).
    ///
    /// The body counts before the status, since trackers send their reasons with all kinds of them. What is odd in an
    /// otherwise sound dictionary counts as absent, and what follows it is ignored.
    package init(http body: RawSpan, status: Int = 200) throws(TrackerFailure) {
        let fields: Fields
        do throws(BencodeError) {
            fields = try Fields(body)
        } catch {
            throw status == 200 ? .malformed(error) : .status(status)
        }
        try fields.failure.check(status: status)
        self = fields.reply
    }
}

/// The entries of the dictionary, in whatever order they came.
private struct Fields {
    var reply = AnnounceReply()
    var failure = HTTPFailureFields()

    init(_ bytes: RawSpan) throws(BencodeError) {
        var reader = BencodeReader(bytes, limits: .trackerReply)
        try reader.enterDictionary(in: bytes)
        while let key = try reader.nextKey(in: bytes) {
            if try failure.read(key, bytes, with: &reader) { continue }
            if bytes.matches("peers", at: key) {
                try readPeers(bytes, with: &reader)
            } else if bytes.matches("peers6", at: key) {
                if let range = try reader.stringOrSkip(in: bytes) {
                    reply.addCompactPeers(bytes, in: range, family: .v6)
                }
            } else if bytes.matches("interval", at: key) {
                reply.interval = try seconds(bytes, with: &reader)
            } else if bytes.matches("min interval", at: key) {
                reply.minInterval = try seconds(bytes, with: &reader)
            } else if bytes.matches("complete", at: key) {
                reply.seeders = try reader.countOrSkip(in: bytes)
            } else if bytes.matches("incomplete", at: key) {
                reply.leechers = try reader.countOrSkip(in: bytes)
            } else if bytes.matches("tracker id", at: key) {
                reply.trackerID = try trackerID(bytes, with: &reader)
            } else if bytes.matches("external ip", at: key) {
                reply.externalAddress = try reader.stringOrSkip(in: bytes).flatMap {
                    Endpoint(address: bytes, in: $0)?.unmapped
                }
            } else if bytes.matches("warning message", at: key) {
                reply.warning = try reader.stringOrSkip(in: bytes).map { bytes.trackerText($0) }
            } else {
                _ = try reader.skip(in: bytes)
            }
        }
    }

    /// A string of 6-byte peers (BEP 23), or a list of dictionaries (BEP 3).
    private mutating func readPeers(_ bytes: RawSpan, with reader: inout BencodeReader) throws(BencodeError) {
        if try reader.kind(in: bytes) == .string {
            reply.addCompactPeers(bytes, in: try reader.string(in: bytes), family: .v4)
        } else if try reader.enterListOrSkip(in: bytes) {
            while try reader.nextElement(in: bytes) {
                guard try reader.enterDictionaryOrSkip(in: bytes) else { continue }
                try readPeer(bytes, with: &reader)
            }
        }
    }

    /// `ip` and `port`; a name instead of an address would have to be resolved, and nobody has sent one for decades.
    private mutating func readPeer(_ bytes: RawSpan, with reader: inout BencodeReader) throws(BencodeError) {
        var host: Range<Int>?
        var port: UInt16?
        while let key = try reader.nextKey(in: bytes) {
            if bytes.matches("ip", at: key) {
                host = try reader.stringOrSkip(in: bytes)
            } else if bytes.matches("port", at: key) {
                port = try reader.integerOrSkip(in: bytes).flatMap { UInt16(exactly: $0) }
            } else {
                _ = try reader.skip(in: bytes)
            }
        }
        let text = host.map { bytes.trackerText($0) } ?? ""
        if let port, let peer = Endpoint(host: text, port: port) { reply.add(peer) } else { reply.droppedPeers += 1 }
    }

    private func seconds(_ bytes: RawSpan, with reader: inout BencodeReader) throws(BencodeError) -> Duration? {
        guard let value = try reader.integerOrSkip(in: bytes), value > 0 else { return nil }
        return .seconds(value)
    }

    private func trackerID(_ bytes: RawSpan, with reader: inout BencodeReader) throws(BencodeError) -> [UInt8]? {
        guard let range = try reader.stringOrSkip(in: bytes), !range.isEmpty,
            range.count <= TrackerLimits.trackerIDBytes
        else { return nil }
        return bytes.copy(range)
    }
}

extension BencodeLimits {
    /// 10,000 peers as dictionaries with ids, which is what fits into `TrackerLimits.replyBytes`.
    static let trackerReply = BencodeLimits(depth: 16, tokens: 100_000)
}

extension BencodeReader {
    /// The integer that comes next if it counts something.
    mutating func countOrSkip(in bytes: RawSpan) throws(BencodeError) -> Int? {
        guard let value = try integerOrSkip(in: bytes), value >= 0 else { return nil }
        return Int(exactly: value)
    }
}

/// An address alone, of 4 or 16 bytes (BEP 24).
extension Endpoint {
    fileprivate init?(address bytes: RawSpan, in range: Range<Int>) {
        guard range.count == 4 || range.count == 16 else { return nil }
        let compact = bytes.copy(range) + [0, 0]
        self.init(compact: compact.span.bytes, in: 0..<compact.count)
    }
}
