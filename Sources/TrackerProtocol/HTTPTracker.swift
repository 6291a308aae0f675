package import Primitives

/// The URLs that ask an HTTP tracker (BEP 3, 7, 23, 48); the replies are read by `AnnounceReply` and `ScrapeReply`.
package enum HTTPTracker {
    /// The URL to fetch for an announce, with the tracker's own query kept in front.
    ///
    /// `ipv6` names a second address of ours. BEP 7 discourages it, since it lets anybody name a victim, and trackers
    /// ignore it: it is for those private ones that ask for it.
    package static func announceURL(
        _ tracker: TrackerURL, _ request: AnnounceRequest, ipv6: EndpointV6? = nil
    ) -> String {
        var query = Query()
        query.add("info_hash", request.infoHash.bytes)
        query.add("peer_id", request.peerID.bytes)
        query.add("port", request.port)
        query.add("uploaded", request.uploaded)
        query.add("downloaded", request.downloaded)
        query.add("left", request.left)
        query.add("compact", 1)
        query.add("no_peer_id", 1)
        if let event = request.event.text { query.add("event", event.utf8) }
        if let peersWanted = request.peersWanted { query.add("numwant", peersWanted) }
        query.add("key", fixedHex(request.key).utf8)
        if let trackerID = request.trackerID { query.add("trackerid", trackerID) }
        if let ipv6 { query.add("ipv6", Endpoint.v6(ipv6).description.utf8) }
        return append(query, to: tracker.beforeTarget, tracker.target)
    }

    /// The URL to fetch for the counts of torrents, of which `TrackerLimits.scrapedTorrents` are asked for.
    ///
    /// Nil for a UDP tracker, and where BEP 48 knows none: the last part of the path does not begin with `announce`.
    package static func scrapeURL(_ tracker: TrackerURL, _ infoHashes: [InfoHash]) -> String? {
        let path = tracker.target.prefix { $0 != "?" }
        let announce = "announce"
        guard tracker.scheme != .udp, let slash = path.lastIndex(of: "/"),
            case let last = path[path.index(after: slash)...], last.hasPrefix(announce)
        else { return nil }
        let rest = tracker.target[last.index(last.startIndex, offsetBy: announce.count)...]
        var query = Query()
        for infoHash in infoHashes.prefix(TrackerLimits.scrapedTorrents) { query.add("info_hash", infoHash.bytes) }
        return append(query, to: tracker.beforeTarget, path[...slash] + "scrape" + rest)
    }

    private static func append(_ query: Query, to beginning: String, _ target: some StringProtocol) -> String {
        let path = target.hasPrefix("/") ? "" : "/"
        let separator = !target.contains("?") ? "?" : target.hasSuffix("?") || target.hasSuffix("&") ? "" : "&"
        return "\(beginning)\(path)\(target)\(separator)\(query.text)"
    }

    /// Eight digits, as every client writes the key.
    private static func fixedHex(_ value: UInt32) -> String {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(value)
        return Hex.encode(bytes)
    }
}

/// `name=value` pairs, the values percent-encoded (RFC 3986): bytes, not text.
private struct Query {
    private var bytes: [UInt8] = []
    private static let hexDigits = Array("0123456789ABCDEF".utf8)

    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func add(_ name: StaticString, _ value: some FixedWidthInteger) {
        add(name, String(value).utf8)
    }

    mutating func add(_ name: StaticString, _ value: some Sequence<UInt8>) {
        if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "="))
        for byte in value {
            if Self.isUnreserved(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), Self.hexDigits[Int(byte >> 4)], Self.hexDigits[Int(byte & 15)]]
            }
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
