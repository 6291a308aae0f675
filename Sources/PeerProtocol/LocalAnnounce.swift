package import Primitives

/// What local service discovery says to everybody on a link (BEP 14): the sender takes part in these torrents, and
/// takes connections on this port of the address that it is heard from.
///
///     BT-SEARCH * HTTP/1.1
///     Host: 239.192.152.143:6771
///     Port: 6881
///     Infohash: 0123…
///     cookie: …
package struct LocalAnnounce: Hashable, Sendable {
    package let infoHashes: [InfoHash]
    package let port: UInt16
    /// Opaque, and the sender's own: how it knows what it said itself.
    package let cookie: String?

    /// The longest packet, sent or read (BEP 14).
    package static let bytesMax = 1_400
    /// As many as fit beside the other lines; more are passed over.
    package static let infoHashesMax = 20
    package static let cookieBytesMax = 64

    package init(infoHashes: [InfoHash], port: UInt16, cookie: String?) {
        self.infoHashes = Array(infoHashes.prefix(Self.infoHashesMax))
        self.port = port
        self.cookie = cookie
    }

    /// The multicast group of a family, and its port.
    package static func group(_ family: Endpoint.Family) -> Endpoint {
        switch family {
        case .v4: .v4(239, 192, 152, 143, port: 6771)
        case .v6: .v6(EndpointV6(high: 0xFF15_0000_0000_0000, low: 0xEFC0_988F, port: 6771))
        }
    }

    /// Nil for what is no announce: another first line, no usable port or no infohash.
    package init?(_ bytes: RawSpan) {
        guard bytes.byteCount <= Self.bytesMax else { return nil }
        let lines = bytes.copy(0..<bytes.byteCount)
            .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0, as: UTF8.self) }
        guard lines[0].lowercased().hasPrefix("bt-search * http/") else { return nil }
        var infoHashes: [InfoHash] = []
        var port: UInt16?
        var cookie: String?
        for line in lines.dropFirst().prefix(while: { !$0.isEmpty }) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            switch line[..<colon].lowercased() {
            case "infohash" where infoHashes.count < Self.infoHashesMax:
                if let infoHash = InfoHash(hex: String(value)) { infoHashes.append(infoHash) }
            case "port" where value.allSatisfy(\.isASCIIDigit): port = UInt16(value)
            case "cookie" where value.utf8.count <= Self.cookieBytesMax: cookie = String(value)
            default: break
            }
        }
        guard let port, port != 0, !infoHashes.isEmpty else { return nil }
        self.init(infoHashes: infoHashes, port: port, cookie: cookie)
    }

    /// The packet for the group of a family.
    package func encoded(for family: Endpoint.Family) -> [UInt8] {
        var text = "BT-SEARCH * HTTP/1.1\r\nHost: \(Self.group(family))\r\nPort: \(port)\r\n"
        for infoHash in infoHashes { text += "Infohash: \(infoHash.hex)\r\n" }
        if let cookie { text += "cookie: \(cookie)\r\n" }
        return Array((text + "\r\n\r\n").utf8)
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
