import Bencode
import KRPC
import Primitives
import Testing

/// A datagram with the message it holds, for looking at the parts.
struct Packet {
    let bytes: [UInt8]
    let message: Message

    init(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        message = try Message.decode(bytes.span.bytes)
    }

    init(_ text: String) throws {
        try self.init(Array(text.utf8))
    }

    func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    func query() throws -> Query {
        guard case .query(let query) = message.body else { throw WrongKind() }
        return query
    }

    func announcement() throws -> Announcement {
        guard case .announcePeer(let announcement) = try query().method else { throw WrongKind() }
        return announcement
    }

    func response() throws -> Response {
        guard case .response(let response) = message.body else { throw WrongKind() }
        return response
    }

    func peers(_ response: Response) -> [Endpoint] {
        var iterator = response.values.makeIterator(in: bytes.span.bytes)
        var peers: [Endpoint] = []
        while let peer = iterator.next(in: bytes.span.bytes) { peers.append(peer) }
        return peers
    }

    func contacts(_ nodes: CompactNodes) -> [Contact] {
        (0..<nodes.count).map { nodes[$0, in: bytes.span.bytes] }
    }
}

struct WrongKind: Error {}

func id(_ text: String) -> ID160 {
    guard let id = ID160(text.utf8) else { preconditionFailure("an id has 20 characters") }
    return id
}

/// Keys of the message and of the dictionaries in it ascend, each once.
func expectCanonical(_ bytes: [UInt8]) throws {
    let span = bytes.span.bytes
    var reader = BencodeReader(span)
    func check() throws {
        var last: [UInt8]?
        try reader.enterDictionary(in: span)
        while let key = try reader.nextKey(in: span) {
            if let last { #expect(last.lexicographicallyPrecedes(bytes[key])) }
            last = Array(bytes[key])
            if try reader.kind(in: span) == .dictionary { try check() } else { _ = try reader.skip(in: span) }
        }
    }
    try check()
    try reader.finish()
}
