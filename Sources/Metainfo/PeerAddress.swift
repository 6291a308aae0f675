package import Primitives

/// Where a peer or a node can be reached, as a person or a link writes it: a host name or an address, and a port.
package struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name, a dotted quad, or an IPv6 address without brackets.
    package let host: String
    /// Never 0.
    package let port: UInt16

    /// Returns nil for a host that is neither a name nor an address, and for port 0.
    package init?(host: String, port: UInt16) {
        guard port != 0, Self.isName(host) || Endpoint(host: host, port: port) != nil else { return nil }
        self.host = host
        self.port = port
    }

    /// Parses `name:port`, `1.2.3.4:port` and `[2001:db8::1]:port` (BEP 9).
    package init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = UInt16(digits)
        else { return nil }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            guard case .v6? = Endpoint(host: host.dropFirst().dropLast(), port: port) else { return nil }
            self.init(host: String(host.dropFirst().dropLast()), port: port)
        } else {
            guard !host.contains(":") else { return nil }
            self.init(host: String(host), port: port)
        }
    }

    /// The endpoint, when the host is an address and no name has to be resolved.
    package var endpoint: Endpoint? { Endpoint(host: host, port: port) }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Letters, digits, `-`, `_` and dots between non-empty labels, as far as a resolver needs to be protected.
    private static func isName(_ host: String) -> Bool {
        guard (1...253).contains(host.utf8.count) else { return false }
        return host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).enumerated()
            .allSatisfy { index, label in
                // One trailing dot marks a fully qualified name.
                if label.isEmpty { return index > 0 && label.endIndex == host.utf8.endIndex }
                return label.count <= 63 && label.allSatisfy(isNameByte)
            }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
