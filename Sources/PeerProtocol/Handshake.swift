package import Primitives

/// The first 68 bytes of a connection, the same in both directions (BEP 3).
package struct Handshake: Hashable, Sendable {
    /// The 8 reserved bytes as one big-endian number; bits we do not know are kept.
    package struct Capabilities: OptionSet, Hashable, Sendable {
        package let rawValue: UInt64

        package init(rawValue: UInt64) {
            self.rawValue = rawValue
        }

        /// The peer has a DHT node and understands the port message (BEP 5).
        package static let dht = Capabilities(rawValue: 1)
        /// The fast extension (BEP 6).
        package static let fast = Capabilities(rawValue: 1 << 2)
        /// The extension protocol (BEP 10).
        package static let extensionProtocol = Capabilities(rawValue: 1 << 20)
    }

    package var capabilities: Capabilities
    package var infoHash: InfoHash
    package var peerID: PeerID

    package static let byteCount = 68
    /// The length byte and the name that open every handshake.
    static let protocolName: [UInt8] = [19] + Array("BitTorrent protocol".utf8)
    static let infoHashOffset = 28
    static let peerIDOffset = 48

    package init(capabilities: Capabilities, infoHash: InfoHash, peerID: PeerID) {
        self.capabilities = capabilities
        self.infoHash = infoHash
        self.peerID = peerID
    }

    /// Reads 68 bytes at `offset`, which must lie within `bytes`; throws when they do not name the protocol.
    package init(_ bytes: RawSpan, at offset: Int) throws(PeerFault) {
        guard Handshake.couldBegin(bytes, at: offset) else { throw .badHandshake }
        capabilities = Capabilities(rawValue: bytes.bigEndian(at: offset + 20, as: UInt64.self))
        infoHash = InfoHash(bytes, at: offset + Handshake.infoHashOffset)
        peerID = PeerID(bytes, at: offset + Handshake.peerIDOffset)
    }

    /// Whether what is there from `offset` on, however little, agrees with the opening of a handshake.
    static func couldBegin(_ bytes: RawSpan, at offset: Int) -> Bool {
        let available = min(bytes.byteCount - offset, protocolName.count)
        return (0..<available).allSatisfy { bytes.byte(at: offset + $0) == protocolName[$0] }
    }

    package func encode(into bytes: inout [UInt8]) {
        bytes += Handshake.protocolName
        bytes.appendBigEndian(capabilities.rawValue)
        infoHash.append(to: &bytes)
        peerID.append(to: &bytes)
    }
}
