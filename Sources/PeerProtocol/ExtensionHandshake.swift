import Bencode
package import Primitives

/// What one side says of itself in an extended message with id 0 (BEP 10); all of it is optional.
///
/// It may come again at any time with changes only: keep one, and `update` it with each that arrives.
package struct ExtensionHandshake: Hashable, Sendable {
    /// The id under which the sender wants to receive `ut_metadata` messages (BEP 9); 0 switches them off.
    package var metadataID: UInt8?
    /// The same for `ut_pex` (BEP 11).
    package var peerExchangeID: UInt8?
    /// Length of the info dictionary in bytes, positive: the sender's claim, which may be a lie.
    package var metadataSize: Int?
    /// How many requests the sender keeps without dropping any (`reqq`), positive.
    package var requestQueueDepth: Int?
    /// Name and version of the sender's client, as it says; not to be shown unescaped.
    package var clientVersion: String?
    /// The TCP port on which the sender takes connections.
    package var listenPort: UInt16?
    /// The sender has all that it wants (BEP 21); absent means no.
    package var isUploadOnly: Bool?
    /// The sender would rather have encrypted connections (`e`); absent means no.
    package var prefersEncryption: Bool?
    /// The receiver's address as the sender sees it, with port 0.
    package var yourAddress: Endpoint?

    /// What is kept of `clientVersion`, in bytes.
    package static let maximumVersionBytes = 128

    package init() {}

    /// Reads the payload of an extended message with id 0: `payload` is its range within `bytes`.
    ///
    /// Entries of the wrong kind or out of range count as absent; only broken bencoding is thrown.
    package init(_ bytes: RawSpan, in payload: Range<Int>) throws(PeerFault) {
        do {
            try read(bytes, in: payload)
        } catch {
            throw .malformedExtension
        }
    }

    /// Takes over what a later handshake of the same peer says; an id that was switched off becomes nil.
    package mutating func update(with later: ExtensionHandshake) {
        if let id = later.metadataID { metadataID = id == 0 ? nil : id }
        if let id = later.peerExchangeID { peerExchangeID = id == 0 ? nil : id }
        metadataSize = later.metadataSize ?? metadataSize
        requestQueueDepth = later.requestQueueDepth ?? requestQueueDepth
        clientVersion = later.clientVersion ?? clientVersion
        listenPort = later.listenPort ?? listenPort
        isUploadOnly = later.isUploadOnly ?? isUploadOnly
        prefersEncryption = later.prefersEncryption ?? prefersEncryption
        yourAddress = later.yourAddress ?? yourAddress
    }

    /// Appends the whole message, framed.
    package func encode(into bytes: inout [UInt8]) {
        ExtensionID.append(ExtensionID.handshake, to: &bytes) { bytes in
            var writer = BencodeWriter(moving: &bytes)
            write(&writer)
            writer.move(to: &bytes)
        }
    }

    private func write(_ writer: inout BencodeWriter) {
        writer.beginDictionary()
        if prefersEncryption == true { writer.entry("e", 1) }
        writer.key("m")
        writer.beginDictionary()
        if let metadataID { writer.entry("ut_metadata", metadataID) }
        if let peerExchangeID { writer.entry("ut_pex", peerExchangeID) }
        writer.end()
        if let metadataSize { writer.entry("metadata_size", metadataSize) }
        if let listenPort { writer.entry("p", listenPort) }
        if let requestQueueDepth { writer.entry("reqq", requestQueueDepth) }
        if isUploadOnly == true { writer.entry("upload_only", 1) }
        if let clientVersion {
            writer.key("v")
            writer.string(clientVersion.utf8)
        }
        if let yourAddress {
            writer.key("yourip")
            writer.string(yourAddress.addressBytes)
        }
        writer.end()
    }

    private mutating func read(_ bytes: RawSpan, in payload: Range<Int>) throws(BencodeError) {
        var reader = BencodeReader(bytes, in: payload)
        try reader.enterDictionary(in: bytes)
        while let key = try reader.nextKey(in: bytes) {
            if bytes.matches("e", at: key) {
                prefersEncryption = try reader.integerOrSkip(in: bytes).map { $0 != 0 }
            } else if bytes.matches("m", at: key) {
                try readIDs(bytes, with: &reader)
            } else if bytes.matches("metadata_size", at: key) {
                metadataSize = try reader.positiveOrSkip(in: bytes)
            } else if bytes.matches("p", at: key) {
                listenPort = try reader.integerOrSkip(in: bytes).flatMap { UInt16(exactly: $0) }
            } else if bytes.matches("reqq", at: key) {
                requestQueueDepth = try reader.positiveOrSkip(in: bytes)
            } else if bytes.matches("upload_only", at: key) {
                isUploadOnly = try reader.integerOrSkip(in: bytes).map { $0 != 0 }
            } else if bytes.matches("v", at: key) {
                clientVersion = try reader.stringOrSkip(in: bytes).map { range in
                    String(decoding: bytes.copy(range.prefix(ExtensionHandshake.maximumVersionBytes)), as: UTF8.self)
                }
            } else if bytes.matches("yourip", at: key) {
                yourAddress = try reader.stringOrSkip(in: bytes).flatMap { Endpoint(address: bytes, in: $0) }
            } else {
                _ = try reader.skip(in: bytes)
            }
        }
    }

    private mutating func readIDs(_ bytes: RawSpan, with reader: inout BencodeReader) throws(BencodeError) {
        guard try reader.enterDictionaryOrSkip(in: bytes) else { return }
        while let name = try reader.nextKey(in: bytes) {
            let id = try reader.integerOrSkip(in: bytes).flatMap { UInt8(exactly: $0) }
            if bytes.matches("ut_metadata", at: name) {
                metadataID = id
            } else if bytes.matches("ut_pex", at: name) {
                peerExchangeID = id
            }
        }
    }
}

extension BencodeReader {
    /// The integer that comes next if it is above 0.
    fileprivate mutating func positiveOrSkip(in bytes: RawSpan) throws(BencodeError) -> Int? {
        guard let value = try integerOrSkip(in: bytes), value > 0 else { return nil }
        return Int(exactly: value)
    }
}

extension BencodeWriter {
    fileprivate mutating func entry(_ name: StaticString, _ value: some FixedWidthInteger) {
        key(name)
        integer(value)
    }
}

/// An address alone, as in `yourip`: 4 or 16 bytes.
extension Endpoint {
    fileprivate init?(address bytes: RawSpan, in range: Range<Int>) {
        switch range.count {
        case 4:
            self = .v4(EndpointV4(address: bytes.bigEndian(at: range.lowerBound, as: UInt32.self), port: 0))
        case 16:
            let high = bytes.bigEndian(at: range.lowerBound, as: UInt64.self)
            let low = bytes.bigEndian(at: range.lowerBound + 8, as: UInt64.self)
            self = .v6(EndpointV6(high: high, low: low, port: 0))
        default: return nil
        }
    }

    fileprivate var addressBytes: [UInt8] {
        var bytes: [UInt8] = []
        appendCompact(to: &bytes)
        return bytes.dropLast(2)
    }
}
