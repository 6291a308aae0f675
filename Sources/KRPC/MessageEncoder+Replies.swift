import Bencode
package import Primitives

/// What a response says beside our id: nothing for ping and announce_peer.
///
/// Meant to be kept and refilled, so that its arrays are allocated once.
package struct ReplyContent: Hashable, Sendable {
    /// IPv4 contacts; nil leaves the key out.
    package var nodes: [Contact]?
    /// IPv6 contacts (BEP 32); nil leaves the key out.
    package var nodes6: [Contact]?
    /// Ours are 8 bytes: a keyed hash.
    package var token: UInt64?
    /// Peers, all of the family the query came by (BEP 32); none leaves the key out.
    package var values: [Endpoint]
    package var extra: ReplyExtra

    package init(
        nodes: [Contact]? = nil, nodes6: [Contact]? = nil, token: UInt64? = nil, values: [Endpoint] = [],
        extra: ReplyExtra = .none
    ) {
        self.nodes = nodes
        self.nodes6 = nodes6
        self.token = token
        self.values = values
        self.extra = extra
    }
}

extension MessageEncoder {
    /// Answers a query with `transaction` in `packet`.
    ///
    /// `observed` is the asker's endpoint, to tell him as whom we see him (`ip`, BEP 42). Traps when a contact is in
    /// the list of the other family. See `byteCount` and `valuesThatFit` for keeping within the limit.
    package func reply(
        _ content: ReplyContent = ReplyContent(), to transaction: Range<Int>, of packet: RawSpan,
        observed: Endpoint? = nil, into bytes: inout [UInt8]
    ) {
        var writer = BencodeWriter(moving: &bytes)
        writer.beginDictionary()
        writer.observed(observed)
        writer.key("r")
        writer.beginDictionary()
        content.extra.writeFilters(to: &writer)
        writer.key("id")
        writer.id(id)
        content.extra.writeBeforeNodes(to: &writer)
        writer.contacts(content.nodes, key: "nodes", family: .v4)
        writer.contacts(content.nodes6, key: "nodes6", family: .v6)
        content.extra.writeAfterNodes(to: &writer)
        if let token = content.token {
            writer.key("token")
            writer.string(byteCount: MemoryLayout<UInt64>.size) { $0.store(token, at: $1) }
        }
        content.extra.writeValue(to: &writer)
        writer.peers(content.values)
        writer.end()
        finish(&writer, kind: "r", transaction: transaction, of: packet)
        writer.move(to: &bytes)
    }

    /// Answers a query with an error.
    package func error(
        _ code: ErrorCode, _ text: StaticString, to transaction: Range<Int>, of packet: RawSpan,
        observed: Endpoint? = nil, into bytes: inout [UInt8]
    ) {
        var writer = BencodeWriter(moving: &bytes)
        writer.beginDictionary()
        writer.key("e")
        writer.beginList()
        writer.integer(code.rawValue)
        writer.string(text)
        writer.end()
        writer.observed(observed)
        finish(&writer, kind: "e", transaction: transaction, of: packet)
        writer.move(to: &bytes)
    }

    private func finish(
        _ writer: inout BencodeWriter, kind: StaticString, transaction: Range<Int>, of packet: RawSpan
    ) {
        writer.key("t")
        writer.string(packet.extracting(transaction))
        writer.version(version)
        writer.key("y")
        writer.string(kind)
        writer.end()
    }
}

extension BencodeWriter {
    fileprivate mutating func observed(_ endpoint: Endpoint?) {
        guard let endpoint else { return }
        key("ip")
        raw(byteCount: endpoint.family.bencodedByteCount) { $0.storeBencoded(endpoint, at: $1) }
    }

    fileprivate mutating func contacts(_ contacts: [Contact]?, key text: StaticString, family: Endpoint.Family) {
        guard let contacts else { return }
        key(text)
        let stride = CompactNodes.stride(of: family)
        string(byteCount: contacts.count * stride) { span, start in
            var offset = start
            for contact in contacts {
                precondition(contact.endpoint.family == family, "a contact of the other family")
                span.store(contact.id, at: offset)
                span.store(contact.endpoint, at: offset + ID160.byteCount)
                offset += stride
            }
        }
    }

    fileprivate mutating func peers(_ peers: [Endpoint]) {
        guard !peers.isEmpty else { return }
        key("values")
        beginList()
        raw(byteCount: peers.reduce(0) { $0 + $1.family.bencodedByteCount }) { span, start in
            var offset = start
            for peer in peers {
                span.storeBencoded(peer, at: offset)
                offset += peer.family.bencodedByteCount
            }
        }
        end()
    }
}
