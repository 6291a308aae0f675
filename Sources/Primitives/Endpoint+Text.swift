/// The text forms of addresses: dotted quads, and RFC 4291 in, RFC 5952 out. Host names are not parsed here.
extension Endpoint: CustomStringConvertible {
    /// Parses `1.2.3.4:6881` and `[2001:db8::1]:6881`; nil for anything else, names included.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }), let port = UInt16(digits)
        else { return nil }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            guard case .v6(let endpoint) = Endpoint(host: host.dropFirst().dropLast(), port: port) else { return nil }
            self = .v6(endpoint)
        } else {
            guard case .v4(let endpoint) = Endpoint(host: host, port: port) else { return nil }
            self = .v4(endpoint)
        }
    }

    /// Parses an address without brackets; nil when `host` is none.
    package init?(host: some StringProtocol, port: UInt16) {
        if let address = Self.parseV4(host) {
            self = .v4(EndpointV4(address: address, port: port))
        } else if let (high, low) = Self.parseV6(host) {
            self = .v6(EndpointV6(high: high, low: low, port: port))
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .v4: "\(hostText):\(port)"
        case .v6: "[\(hostText)]:\(port)"
        }
    }

    /// The address alone, without brackets or port.
    package var hostText: String {
        switch self {
        case .v4(let endpoint):
            let address = endpoint.address
            return "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
        case .v6(let endpoint):
            return Self.textV6(high: endpoint.high, low: endpoint.low)
        }
    }

    private static func parseV4(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }),
                let byte = UInt8(part)
            else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return address
    }

    private static func parseV6(_ text: some StringProtocol) -> (UInt64, UInt64)? {
        guard text.utf8.count <= 45 else { return nil }
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return nil }
        var groups: [[UInt16]] = []
        for (index, half) in halves.enumerated() {
            guard let parsed = parseGroups(half, mayEndInV4: index == halves.count - 1) else { return nil }
            groups.append(parsed)
        }
        var all = groups[0]
        if halves.count == 2 {
            let missing = 8 - groups[0].count - groups[1].count
            guard missing >= 1 else { return nil }
            all += Array(repeating: 0, count: missing) + groups[1]
        }
        guard all.count == 8 else { return nil }
        let half = { (range: Range<Int>) in all[range].reduce(UInt64(0)) { $0 << 16 | UInt64($1) } }
        return (half(0..<4), half(4..<8))
    }

    private static func parseGroups(_ text: some StringProtocol, mayEndInV4: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndInV4, index == parts.count - 1, let address = parseV4(part) {
                groups += [UInt16(address >> 16), UInt16(truncatingIfNeeded: address)]
                continue
            }
            guard (1...4).contains(part.utf8.count), part.utf8.first != UInt8(ascii: "+"),
                let group = UInt16(part, radix: 16)
            else { return nil }
            groups.append(group)
        }
        return groups
    }

    /// RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`.
    private static func textV6(high: UInt64, low: UInt64) -> String {
        let groups = [high, low].flatMap { half in
            (0..<4).map { UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * $0)) }
        }
        var longest = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > longest.count { longest = start..<end }
            start = max(end, start + 1)
        }
        let join = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard longest.count >= 2 else { return join(groups[...]) }
        return join(groups[..<longest.lowerBound]) + "::" + join(groups[longest.upperBound...])
    }
}
