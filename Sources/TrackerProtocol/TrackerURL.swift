package import Primitives

/// Where a tracker is: `http://host/announce`, `https://…` or `udp://host:port`.
package struct TrackerURL: Hashable, Sendable {
    /// How the tracker is spoken to.
    package enum Scheme: String, Hashable, Sendable {
        case http, https, udp

        fileprivate var defaultPort: UInt16? {
            switch self {
            case .http: 80
            case .https: 443
            case .udp: nil
            }
        }
    }

    /// How the tracker is spoken to.
    package let scheme: Scheme
    /// A name in lower case, a dotted quad, or an IPv6 address without brackets.
    package let host: String
    /// Never 0.
    package let port: UInt16
    /// Path and query as they were written, with their `/` or `?`; may be empty.
    ///
    /// A UDP tracker gets it as URL data (BEP 41).
    package let target: String
    /// `user:password@`, or nothing.
    private let credentials: String

    /// Parses a URL with blanks around it; a fragment is dropped, as it is never sent.
    package init(_ text: String) throws(TrackerURLError) {
        guard text.utf8.count <= TrackerLimits.urlBytes else { throw .tooLong(limitBytes: TrackerLimits.urlBytes) }
        let bytes = Self.trimmed(Array(text.utf8))
        guard !bytes.isEmpty else { throw .empty }
        if let byte = bytes.first(where: { !(0x21...0x7E).contains($0) }) { throw .character(byte) }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
            throw .missingScheme
        }
        let name = Self.text(bytes[..<colon]).lowercased()
        guard let scheme = Scheme(rawValue: name) else { throw .unknownScheme(String(name.prefix(16))) }
        let rest = bytes[(colon + 3)...]
        let end = rest.firstIndex { "/?#".utf8.contains($0) } ?? rest.endIndex
        var authority = rest[..<end]
        var credentials = ""
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            if scheme != .udp { credentials = Self.text(authority[...at]) }
            authority = authority[(at + 1)...]
        }
        let (host, digits) = try Self.split(authority)
        self.scheme = scheme
        self.host = try Self.validHost(host)
        port = try Self.port(digits, default: scheme.defaultPort)
        target = Self.text(rest[end...].prefix { $0 != UInt8(ascii: "#") })
        self.credentials = credentials
    }

    /// The whole URL, credentials included: for fetching, not for showing.
    package var text: String { beforeTarget + target }

    /// The endpoint, when the host is an address and no name has to be resolved.
    package var endpoint: Endpoint? { Endpoint(host: host, port: port) }

    /// Everything up to the path.
    var beforeTarget: String { "\(scheme.rawValue)://\(credentials)\(hostAndPort)" }

    fileprivate var hostAndPort: String {
        let shownHost = host.contains(":") ? "[\(host)]" : host
        return port == scheme.defaultPort ? shownHost : "\(shownHost):\(port)"
    }

    private static func split(_ authority: ArraySlice<UInt8>) throws(TrackerURLError) -> (
        host: ArraySlice<UInt8>, port: ArraySlice<UInt8>?
    ) {
        var end = authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        if authority.first == UInt8(ascii: "[") {
            guard let bracket = authority.firstIndex(of: UInt8(ascii: "]")) else { throw .host(excerpt(authority)) }
            end = bracket + 1
        }
        let rest = authority[end...]
        guard let colon = rest.first else { return (authority, nil) }
        // More colons mean an IPv6 address without its brackets.
        guard colon == UInt8(ascii: ":"), !rest.dropFirst().contains(UInt8(ascii: ":")) else {
            throw .host(excerpt(authority))
        }
        return (authority[..<end], rest.dropFirst())
    }

    private static func validHost(_ bytes: ArraySlice<UInt8>) throws(TrackerURLError) -> String {
        guard !bytes.isEmpty else { throw .missingHost }
        let host = text(bytes)
        if bytes.first == UInt8(ascii: "[") {
            let inner = String(host.dropFirst().dropLast())
            guard case .v6? = Endpoint(host: inner, port: 1) else { throw .host(excerpt(bytes)) }
            return inner.lowercased()
        }
        guard HostName.isValid(bytes) || Endpoint(host: host, port: 1) != nil else { throw .host(excerpt(bytes)) }
        return host.lowercased()
    }

    private static func port(_ digits: ArraySlice<UInt8>?, default usual: UInt16?) throws(TrackerURLError) -> UInt16 {
        guard let digits else {
            guard let usual else { throw .missingPort }
            return usual
        }
        // `UInt16.init` would also take a sign.
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text(digits)), port != 0 else {
            throw .port
        }
        return port
    }

    private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        guard let last = bytes.lastIndex(where: { $0 > 0x20 }) else { return [] }
        return bytes[...last].drop { $0 <= 0x20 }
    }

    private static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: Array(bytes), as: UTF8.self)
    }

    private static func excerpt(_ bytes: ArraySlice<UInt8>) -> String {
        text(bytes.prefix(80)) + (bytes.count > 80 ? "…" : "")
    }
}

extension TrackerURL: CustomStringConvertible {
    /// For people and logs: no credentials, and no path but the usual one, since private trackers put passkeys there.
    package var description: String {
        let usual: Set = ["", "/", "/announce", "/announce.php"]
        return "\(scheme.rawValue)://\(hostAndPort)" + (usual.contains(target) ? target : "/…")
    }
}
