package import Primitives

/// What a client sends to a UDP tracker (BEP 15).
package enum UDPTrackerRequest: Hashable, Sendable {
    case connect
    /// `urlData` is path and query of the tracker's URL (BEP 41).
    case announce(connection: UInt64, AnnounceRequest, urlData: [UInt8])
    /// At most `TrackerLimits.scrapedTorrents`.
    case scrape(connection: UInt64, [InfoHash])

    /// Opens a connect request, so that a tracker knows the protocol before it knows us.
    static let protocolID: UInt64 = 0x417_2710_1980
    /// Without options.
    private static let announceByteCount = 98

    /// The packet's bytes.
    package func encoded(transaction: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .connect:
            Self.appendHead(Self.protocolID, .connect, transaction, to: &bytes)
        case .announce(let connection, let request, let urlData):
            Self.appendHead(connection, .announce, transaction, to: &bytes)
            Self.append(request, to: &bytes)
            URLData.append(urlData, to: &bytes)
        case .scrape(let connection, let infoHashes):
            Self.appendHead(connection, .scrape, transaction, to: &bytes)
            for infoHash in infoHashes.prefix(TrackerLimits.scrapedTorrents) { infoHash.append(to: &bytes) }
        }
        return bytes
    }

    /// Reads a request as a tracker does; nil if it is none.
    package static func decode(_ bytes: RawSpan) -> (transaction: UInt32, request: UDPTrackerRequest)? {
        guard bytes.byteCount >= 16 else { return nil }
        let connection = bytes.bigEndian(at: 0, as: UInt64.self)
        let transaction = bytes.bigEndian(at: 12, as: UInt32.self)
        switch UDPTrackerAction(rawValue: bytes.bigEndian(at: 8, as: UInt32.self)) {
        case .connect where connection == protocolID:
            return (transaction, .connect)
        case .announce where bytes.byteCount >= announceByteCount:
            guard let request = announceRequest(bytes) else { return nil }
            let urlData = URLData.read(bytes, from: announceByteCount)
            return (transaction, .announce(connection: connection, request, urlData: urlData))
        case .scrape:
            let count = min((bytes.byteCount - 16) / InfoHash.byteCount, TrackerLimits.scrapedTorrents)
            let infoHashes = (0..<count).map { InfoHash(bytes, at: 16 + InfoHash.byteCount * $0) }
            return (transaction, .scrape(connection: connection, infoHashes))
        default:
            return nil
        }
    }

    private static func appendHead(
        _ connection: UInt64, _ action: UDPTrackerAction, _ transaction: UInt32, to bytes: inout [UInt8]
    ) {
        bytes.appendBigEndian(connection)
        bytes.appendBigEndian(action.rawValue)
        bytes.appendBigEndian(transaction)
    }

    private static func append(_ request: AnnounceRequest, to bytes: inout [UInt8]) {
        request.infoHash.append(to: &bytes)
        request.peerID.append(to: &bytes)
        bytes.appendBigEndian(request.downloaded)
        bytes.appendBigEndian(request.left)
        bytes.appendBigEndian(request.uploaded)
        bytes.appendBigEndian(request.event.rawValue)
        bytes.appendBigEndian(UInt32(0))  // the address the packet comes from
        bytes.appendBigEndian(request.key)
        bytes.appendBigEndian(request.peersWanted.map { Int32(clamping: max($0, 0)) } ?? -1)
        bytes.appendBigEndian(request.port)
    }

    private static func announceRequest(_ bytes: RawSpan) -> AnnounceRequest? {
        guard let event = AnnounceEvent(rawValue: bytes.bigEndian(at: 80, as: UInt32.self)) else { return nil }
        var request = AnnounceRequest(
            infoHash: InfoHash(bytes, at: 16), peerID: ID160(bytes, at: 36),
            port: bytes.bigEndian(at: 96, as: UInt16.self))
        request.downloaded = bytes.bigEndian(at: 56, as: Int64.self)
        request.left = bytes.bigEndian(at: 64, as: Int64.self)
        request.uploaded = bytes.bigEndian(at: 72, as: Int64.self)
        request.event = event
        request.key = bytes.bigEndian(at: 88, as: UInt32.self)
        let peersWanted = bytes.bigEndian(at: 92, as: Int32.self)
        request.peersWanted = peersWanted < 0 ? nil : Int(peersWanted)
        return request
    }
}

/// What a packet is about (BEP 15).
enum UDPTrackerAction: UInt32 {
    case connect = 0
    case announce = 1
    case scrape = 2
    case error = 3
}
