import Bencode
package import Primitives

/// Whom a peer has met and lost since its last message: the payload of `ut_pex` (BEP 11).
package struct PeerExchangeMessage: Hashable, Sendable {
    /// A connected peer, and what the sender knows of it.
    package struct Added: Hashable, Sendable {
        package var endpoint: Endpoint
        package var flags: Flags

        package init(_ endpoint: Endpoint, _ flags: Flags) {
            self.endpoint = endpoint
            self.flags = flags
        }
    }

    /// One byte for each added peer.
    package struct Flags: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let prefersEncryption = Flags(rawValue: 0x01)
        /// It uploads only: a seed, or a partial one.
        package static let isSeed = Flags(rawValue: 0x02)
        package static let speaksUTP = Flags(rawValue: 0x04)
        package static let speaksHolepunch = Flags(rawValue: 0x08)
        /// The sender connected to it, so it takes connections.
        package static let isReachable = Flags(rawValue: 0x10)
    }

    package var added: [Added] = []
    package var dropped: [Endpoint] = []

    /// BEP 11: at most so many of each kind and family after the first message, which may hold more.
    package static let peersMax = 50
    /// What is read of one message; the rest of a longer one is passed over.
    package static let peersReadMax = 200

    package init() {}

    package var isEmpty: Bool { added.isEmpty && dropped.isEmpty }

    /// Reads the payload of an extended message: `message` is its range within `bytes`.
    ///
    /// Lists whose length is no multiple of an endpoint's count as absent, endpoints with port 0 are left out.
    package init(_ bytes: RawSpan, in message: Range<Int>) throws(PeerFault) {
        do {
            try read(bytes, in: message)
        } catch {
            throw .malformedExtension
        }
    }

    /// Appends a whole message, framed; `id` is the one that the peer announced.
    package func encode(id: UInt8, into bytes: inout [UInt8]) {
        ExtensionID.append(id, to: &bytes) { bytes in
            var writer = BencodeWriter(moving: &bytes)
            let (added4, added6) = (
                added.filter { $0.endpoint.family == .v4 }, added.filter { $0.endpoint.family == .v6 }
            )
            writer.beginDictionary()
            writer.entry("added", added4.map(\.endpoint))
            writer.key("added.f")
            writer.string(added4.map(\.flags.rawValue))
            writer.entry("added6", added6.map(\.endpoint))
            writer.key("added6.f")
            writer.string(added6.map(\.flags.rawValue))
            writer.entry("dropped", dropped.filter { $0.family == .v4 })
            writer.entry("dropped6", dropped.filter { $0.family == .v6 })
            writer.end()
            writer.move(to: &bytes)
        }
    }

    private mutating func read(_ bytes: RawSpan, in message: Range<Int>) throws(BencodeError) {
        var reader = BencodeReader(bytes, in: message)
        var endpoints: [Endpoint.Family: Range<Int>] = [:]
        var flags: [Endpoint.Family: Range<Int>] = [:]
        try reader.enterDictionary(in: bytes)
        while let key = try reader.nextKey(in: bytes) {
            let value = try reader.stringOrSkip(in: bytes)
            if bytes.matches("added", at: key) {
                endpoints[.v4] = value
            } else if bytes.matches("added6", at: key) {
                endpoints[.v6] = value
            } else if bytes.matches("added.f", at: key) {
                flags[.v4] = value
            } else if bytes.matches("added6.f", at: key) {
                flags[.v6] = value
            } else if bytes.matches("dropped", at: key), let value {
                dropped += Self.endpoints(bytes, in: value, .v4).map(\.endpoint)
            } else if bytes.matches("dropped6", at: key), let value {
                dropped += Self.endpoints(bytes, in: value, .v6).map(\.endpoint)
            }
        }
        for family in [Endpoint.Family.v4, .v6] {
            guard let range = endpoints[family] else { continue }
            for (index, endpoint) in Self.endpoints(bytes, in: range, family) {
                let flag = flags[family].flatMap { index < $0.count ? bytes.byte(at: $0.lowerBound + index) : nil }
                added.append(Added(endpoint, Flags(rawValue: flag ?? 0)))
            }
        }
    }

    private static func endpoints(
        _ bytes: RawSpan, in range: Range<Int>, _ family: Endpoint.Family
    ) -> [(index: Int, endpoint: Endpoint)] {
        let size = family == .v4 ? Endpoint.compactByteCountV4 : Endpoint.compactByteCountV6
        guard range.count.isMultiple(of: size) else { return [] }
        var found: [(index: Int, endpoint: Endpoint)] = []
        for index in 0..<min(range.count / size, peersReadMax) {
            let start = range.lowerBound + index * size
            guard let endpoint = Endpoint(compact: bytes, in: start..<start + size), endpoint.port != 0 else {
                continue
            }
            found.append((index, endpoint))
        }
        return found
    }
}

extension BencodeWriter {
    fileprivate mutating func entry(_ name: StaticString, _ endpoints: [Endpoint]) {
        var bytes: [UInt8] = []
        for endpoint in endpoints { endpoint.appendCompact(to: &bytes) }
        key(name)
        string(bytes)
    }
}
