package import Primitives

/// What a UDP tracker sends (BEP 15).
package struct UDPTrackerReply: Hashable, Sendable {
    /// The number that the request carried.
    package let transaction: UInt32
    /// What the tracker says.
    package let body: Body

    /// The kinds of packets that a tracker sends.
    package enum Body: Hashable, Sendable {
        /// The connection id.
        case connect(UInt64)
        /// Of the entries of a reply, only interval, counts and peers travel over UDP.
        case announce(AnnounceReply)
        /// In the order of the request.
        case scrape([SwarmCounts])
        /// Text from the network, cut short but not escaped.
        case error(String)
    }

    package init(transaction: UInt32, body: Body) {
        self.transaction = transaction
        self.body = body
    }

    /// Reads a packet that came from an address of `family`, which decides the size of its peers.
    ///
    /// Nil if it is too short for its action or has none of BEP 15; what follows a reply is ignored.
    package init?(_ bytes: RawSpan, family: Endpoint.Family) {
        guard let transaction = Self.transaction(of: bytes) else { return nil }
        self.transaction = transaction
        switch UDPTrackerAction(rawValue: bytes.bigEndian(at: 0, as: UInt32.self)) {
        case .connect where bytes.byteCount >= 16:
            body = .connect(bytes.bigEndian(at: 8, as: UInt64.self))
        case .announce where bytes.byteCount >= 20:
            body = .announce(Self.announceReply(bytes, family: family))
        case .scrape:
            let count = min((bytes.byteCount - 8) / 12, TrackerLimits.scrapedTorrents)
            body = .scrape((0..<count).map { Self.counts(bytes, at: 8 + 12 * $0) })
        case .error:
            body = .error(bytes.trackerText(8..<bytes.byteCount))
        default:
            return nil
        }
    }

    /// The transaction of what may be a reply: for the driver to find whom it is for.
    package static func transaction(of bytes: RawSpan) -> UInt32? {
        guard bytes.byteCount >= 8, UDPTrackerAction(rawValue: bytes.bigEndian(at: 0, as: UInt32.self)) != nil else {
            return nil
        }
        return bytes.bigEndian(at: 4, as: UInt32.self)
    }

    /// The packet as a tracker would send it, for simulated ones: peers are of one family.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        switch body {
        case .connect(let connection):
            appendHead(.connect, to: &bytes)
            bytes.appendBigEndian(connection)
        case .announce(let reply):
            appendHead(.announce, to: &bytes)
            bytes.appendBigEndian(UInt32(clamping: reply.interval?.components.seconds ?? 0))
            bytes.appendBigEndian(UInt32(clamping: reply.leechers ?? 0))
            bytes.appendBigEndian(UInt32(clamping: reply.seeders ?? 0))
            for peer in reply.peers { peer.appendCompact(to: &bytes) }
        case .scrape(let counts):
            appendHead(.scrape, to: &bytes)
            for counts in counts {
                bytes.appendBigEndian(UInt32(clamping: counts.seeders))
                bytes.appendBigEndian(UInt32(clamping: counts.completed))
                bytes.appendBigEndian(UInt32(clamping: counts.leechers))
            }
        case .error(let text):
            appendHead(.error, to: &bytes)
            bytes += text.utf8
        }
        return bytes
    }

    private func appendHead(_ action: UDPTrackerAction, to bytes: inout [UInt8]) {
        bytes.appendBigEndian(action.rawValue)
        bytes.appendBigEndian(transaction)
    }

    private static func announceReply(_ bytes: RawSpan, family: Endpoint.Family) -> AnnounceReply {
        var reply = AnnounceReply()
        let seconds = bytes.bigEndian(at: 8, as: UInt32.self)
        if seconds > 0 { reply.interval = .seconds(Int64(seconds)) }
        reply.leechers = Int(bytes.bigEndian(at: 12, as: UInt32.self))
        reply.seeders = Int(bytes.bigEndian(at: 16, as: UInt32.self))
        reply.addCompactPeers(bytes, in: 20..<bytes.byteCount, family: family)
        return reply
    }

    private static func counts(_ bytes: RawSpan, at offset: Int) -> SwarmCounts {
        SwarmCounts(
            seeders: Int(bytes.bigEndian(at: offset, as: UInt32.self)),
            completed: Int(bytes.bigEndian(at: offset + 4, as: UInt32.self)),
            leechers: Int(bytes.bigEndian(at: offset + 8, as: UInt32.self)))
    }
}
