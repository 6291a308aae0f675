import Bencode
import Digest
import KRPC
package import Kademlia
import Primitives

/// The file that a node's state is kept in.
///
/// Version 1, in canonical bencoding: `check` is the SHA-1 of `state` as it is encoded; `state` has `homes`, each with
/// `contacts` (compact node infos of its family), `external` (a compact endpoint, left out when unknown), `id` and
/// `local` (a compact endpoint); `version` is 1.
package struct NodeStateFile: Equatable, Sendable {
    package let state: NodeState

    package init(_ state: NodeState) {
        self.state = state
    }

    package enum Failure: Error, Hashable, Sendable {
        case tooLong
        /// No bencoding, or not of this shape.
        case notAState
        case unknownVersion(Int64)
        /// The checksum does not match, or the file is not written as we write it.
        case damaged
    }

    static let version: Int64 = 1
    /// More homes than a machine has addresses to bind.
    static let homesMax = 64
    static let contactsPerHomeMax = 4_096
    /// All homes with all their contacts, of the larger family.
    package static let maxBytes = homesMax * (contactsPerHomeMax * 38 + 256)

    /// Reads a file, which may hold anything.
    package init(bytes: [UInt8]) throws(Failure) {
        guard bytes.count <= Self.maxBytes else { throw .tooLong }
        let span = bytes.span.bytes
        let fields: Fields
        do {
            fields = try Fields(span)
        } catch {
            throw .notAState
        }
        guard let version = fields.version else { throw .notAState }
        guard version == Self.version else { throw .unknownVersion(version) }
        guard let check = fields.check, check.count == ID160.byteCount, let body = fields.state,
            SHA1.hash(span.extracting(body)) == ID160(span, at: check.lowerBound)
        else { throw .damaged }
        guard let state = try? NodeState(span, in: body) else { throw .notAState }
        self.state = state
        guard encoded() == bytes else { throw .damaged }
    }

    package func encoded() -> [UInt8] {
        let body = state.encoded()
        var writer = BencodeWriter()
        writer.beginDictionary()
        writer.key("check")
        writer.string(SHA1.hash(body).bytes)
        writer.key("state")
        writer.raw(body.span.bytes)
        writer.key("version")
        writer.integer(Self.version)
        writer.end()
        return writer.bytes
    }

    /// Where the parts of a file lie.
    private struct Fields {
        private(set) var check: Range<Int>?
        private(set) var state: Range<Int>?
        private(set) var version: Int64?

        init(_ bytes: RawSpan) throws(BencodeError) {
            var reader = BencodeReader(bytes, limits: NodeState.limits)
            try reader.enterDictionary(in: bytes)
            while let key = try reader.nextKey(in: bytes) {
                if bytes.matches("check", at: key) {
                    check = try reader.string(in: bytes)
                } else if bytes.matches("state", at: key) {
                    state = try reader.skip(in: bytes)
                } else if bytes.matches("version", at: key) {
                    version = try reader.integer(in: bytes)
                } else {
                    _ = try reader.skip(in: bytes)
                }
            }
            try reader.finish()
        }
    }
}

/// A state as it lies in the file.
extension NodeState {
    fileprivate static var limits: BencodeLimits { BencodeLimits(depth: 8, tokens: 2_048) }

    private enum Misfit: Error { case field, tooMany }

    fileprivate init(_ bytes: RawSpan, in range: Range<Int>) throws {
        self.init()
        var reader = BencodeReader(bytes, in: range, limits: Self.limits)
        try reader.enterDictionary(in: bytes)
        while let key = try reader.nextKey(in: bytes) {
            guard bytes.matches("homes", at: key) else { throw Misfit.field }
            try reader.enterList(in: bytes)
            while try reader.nextElement(in: bytes) {
                guard homes.count < NodeStateFile.homesMax else { throw Misfit.tooMany }
                homes.append(try Self.home(bytes, &reader))
            }
        }
        try reader.finish()
    }

    private static func home(_ bytes: RawSpan, _ reader: inout BencodeReader) throws -> Home {
        var id: NodeID?
        var (local, external): (Endpoint?, Endpoint?)
        var contacts: Range<Int>?
        try reader.enterDictionary(in: bytes)
        while let key = try reader.nextKey(in: bytes) {
            let value = try reader.string(in: bytes)
            if bytes.matches("contacts", at: key) {
                contacts = value
            } else if bytes.matches("external", at: key) {
                external = try endpoint(bytes, value)
            } else if bytes.matches("id", at: key) {
                guard value.count == ID160.byteCount else { throw Misfit.field }
                id = ID160(bytes, at: value.lowerBound)
            } else if bytes.matches("local", at: key) {
                local = try endpoint(bytes, value)
            } else {
                throw Misfit.field
            }
        }
        guard let local, let contacts else { throw Misfit.field }
        return Home(
            local: local, id: id, external: external, contacts: try list(bytes, contacts, of: local.family))
    }

    private static func endpoint(_ bytes: RawSpan, _ range: Range<Int>) throws -> Endpoint {
        guard let endpoint = Endpoint(compact: bytes, in: range) else { throw Misfit.field }
        return endpoint
    }

    private static func list(_ bytes: RawSpan, _ range: Range<Int>, of family: Endpoint.Family) throws -> [Contact] {
        let width = ID160.byteCount + compactByteCount(family)
        let (count, rest) = range.count.quotientAndRemainder(dividingBy: width)
        guard rest == 0, count <= NodeStateFile.contactsPerHomeMax else { throw Misfit.field }
        return try (0..<count).map { index in
            let start = range.lowerBound + index * width
            let address = start + ID160.byteCount..<start + width
            return Contact(id: ID160(bytes, at: start), endpoint: try endpoint(bytes, address))
        }
    }

    private static func compactByteCount(_ family: Endpoint.Family) -> Int {
        family == .v4 ? Endpoint.compactByteCountV4 : Endpoint.compactByteCountV6
    }

    fileprivate func encoded() -> [UInt8] {
        var writer = BencodeWriter()
        writer.beginDictionary()
        writer.key("homes")
        writer.beginList()
        for home in homes.prefix(NodeStateFile.homesMax) {
            writer.beginDictionary()
            writer.key("contacts")
            writer.string(Self.compact(home.contacts.filter { $0.endpoint.family == home.local.family }))
            if let external = home.external {
                writer.key("external")
                writer.string(Self.compact(external))
            }
            if let id = home.id {
                writer.key("id")
                writer.string(id.bytes)
            }
            writer.key("local")
            writer.string(Self.compact(home.local))
            writer.end()
        }
        writer.end()
        writer.end()
        return writer.bytes
    }

    private static func compact(_ endpoint: Endpoint) -> [UInt8] {
        var bytes: [UInt8] = []
        endpoint.appendCompact(to: &bytes)
        return bytes
    }

    /// The last ones, which are nearest to the node, when there are too many.
    private static func compact(_ contacts: [Contact]) -> [UInt8] {
        var bytes: [UInt8] = []
        for contact in contacts.suffix(NodeStateFile.contactsPerHomeMax) {
            contact.id.append(to: &bytes)
            contact.endpoint.appendCompact(to: &bytes)
        }
        return bytes
    }
}
