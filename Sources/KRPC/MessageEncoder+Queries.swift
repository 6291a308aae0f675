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

    package func getPeers(infoHash: InfoHash, want: Want? = nil, number: UInt32, into bytes: inout [UInt8]) {
        query("get_peers", number: number, into: &bytes) { writer in
            writer.key("info_hash")
            writer.id(infoHash)
            writer.want(want)
        }
    }

    /// Announces a peer at our address.
    ///
    /// With `impliedPort`, whoever knows it takes the port that the datagram comes from, which survives address
    /// translation, and only others take `port`.
    package func announcePeer(
        infoHash: InfoHash, port: UInt16, impliedPort: Bool, token: some Collection<UInt8>, number: UInt32,
        into bytes: inout [UInt8]
    ) {
        query("announce_peer", number: number, into: &bytes) { writer in
            if impliedPort {
                writer.key("implied_port")
                writer.integer(1)
            }
            writer.key("info_hash")
            writer.id(infoHash)
            writer.key("port")
            writer.integer(port)
            writer.key("token")
            writer.string(token)
        }
    }

    /// `arguments` follow the id: none of their keys sorts before it.
    private func query(
        _ method: StaticString, number: UInt32, into bytes: inout [UInt8], arguments: (inout BencodeWriter) -> Void
    ) {
        var writer = BencodeWriter(moving: &bytes)
        writer.beginDictionary()
        writer.key("a")
        writer.beginDictionary()
        writer.key("id")
        writer.id(id)
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

    fileprivate mutating func want(_ want: Want?) {
        guard let want, !want.isEmpty else { return }
        key("want")
        beginList()
        if want.contains(.n4) { string("n4") }
        if want.contains(.n6) { string("n6") }
        end()
    }
}
