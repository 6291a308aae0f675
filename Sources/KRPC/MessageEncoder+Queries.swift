import Bencode
package import Primitives

extension MessageEncoder {
    package func ping(number: UInt32, into bytes: inout [UInt8]) {
        query("ping", number: number, into: &bytes) { _ in }
    }

    package func findNode(target: NodeID, want: Want? = nil, number: UInt32, into bytes: inout [UInt8]) {
        query("find_node", number: number, into: &bytes) { writer in
            writer.key("target")
            writer.id(target)
            writer.want(want)
        }
    }

    package func getPeers(
        infoHash: InfoHash, want: Want? = nil, options: GetPeersOptions = [], number: UInt32, into bytes: inout [UInt8]
    ) {
        query("get_peers", number: number, into: &bytes) { writer in
            writer.key("info_hash")
            writer.id(infoHash)
            writer.flag("noseed", if: options.contains(.noSeeds))
            writer.flag("scrape", if: options.contains(.scrape))
            writer.want(want)
        }
    }

    /// Announces a peer at our address.
    ///
    /// With `impliedPort`, whoever knows it takes the port that the datagram comes from, which survives address
    /// translation, and only others take `port`.
    package func announcePeer(
        infoHash: InfoHash, port: UInt16, impliedPort: Bool, isSeed: Bool = false, token: some Collection<UInt8>,
        number: UInt32, into bytes: inout [UInt8]
    ) {
        query("announce_peer", number: number, into: &bytes) { writer in
            writer.flag("implied_port", if: impliedPort)
            writer.key("info_hash")
            writer.id(infoHash)
            writer.key("port")
            writer.integer(port)
            writer.flag("seed", if: isSeed)
            writer.key("token")
            writer.string(token)
        }
    }

    /// Asks for the item of `target` (BEP 44).
    ///
    /// - Parameter sequence: a mutable item that is not newer than this needs not be sent.
    package func get(
        target: ID160, newerThan sequence: Int64? = nil, want: Want? = nil, number: UInt32, into bytes: inout [UInt8]
    ) {
        query("get", number: number, into: &bytes) { writer in
            if let sequence {
                writer.key("seq")
                writer.integer(sequence)
            }
            writer.key("target")
            writer.id(target)
            writer.want(want)
        }
    }

    /// Stores an item (BEP 44).
    ///
    /// - Parameter expectedSequence: of the item that this one may replace (`cas`); nil for any older one.
    package func put(
        _ item: Item, expectedSequence: Int64? = nil, token: some Collection<UInt8>, number: UInt32,
        into bytes: inout [UInt8]
    ) {
        query("put", writesID: false, number: number, into: &bytes) { writer in
            if let expectedSequence, item.signed != nil {
                writer.key("cas")
                writer.integer(expectedSequence)
            }
            writer.key("id")
            writer.id(id)
            if let signed = item.signed {
                writer.key("k")
                writer.string(signed.key)
                if !signed.salt.isEmpty {
                    writer.key("salt")
                    writer.string(signed.salt)
                }
                writer.key("seq")
                writer.integer(signed.sequence)
                writer.key("sig")
                writer.string(signed.signature)
            }
            writer.key("token")
            writer.string(token)
            writer.key("v")
            writer.raw(item.value.span.bytes)
        }
    }

    /// Asks for some of the infohashes that a node stores, and for nodes near `target` (BEP 51).
    package func sampleInfoHashes(target: ID160, want: Want? = nil, number: UInt32, into bytes: inout [UInt8]) {
        query("sample_infohashes", number: number, into: &bytes) { writer in
            writer.key("target")
            writer.id(target)
            writer.want(want)
        }
    }

    /// `arguments` follow the id, unless one of their keys sorts before it and they write it themselves.
    private func query(
        _ method: StaticString, writesID: Bool = true, number: UInt32, into bytes: inout [UInt8],
        arguments: (inout BencodeWriter) -> Void
    ) {
        var writer = BencodeWriter(moving: &bytes)
        writer.beginDictionary()
        writer.key("a")
        writer.beginDictionary()
        if writesID {
            writer.key("id")
            writer.id(id)
        }
        arguments(&writer)
        writer.end()
        writer.key("q")
        writer.string(method)
        if isReadOnly {
            writer.key("ro")
            writer.integer(1)
        }
        writer.key("t")
        writer.string(byteCount: MemoryLayout<UInt32>.size) { $0.store(number, at: $1) }
        writer.version(version)
        writer.key("y")
        writer.string("q")
        writer.end()
        writer.move(to: &bytes)
    }
}

extension BencodeWriter {
    mutating func id(_ id: ID160) {
        string(byteCount: ID160.byteCount) { $0.store(id, at: $1) }
    }

    mutating func version(_ version: UInt32) {
        key("v")
        string(byteCount: MemoryLayout<UInt32>.size) { $0.store(version, at: $1) }
    }

    fileprivate mutating func flag(_ name: StaticString, if isSet: Bool) {
        guard isSet else { return }
        key(name)
        integer(1)
    }

    fileprivate mutating func want(_ want: Want?) {
        guard let want, !want.isEmpty else { return }
        key("want")
        beginList()
        if want.contains(.n4) { string("n4") }
        if want.contains(.n6) { string("n6") }
        end()
    }
}
