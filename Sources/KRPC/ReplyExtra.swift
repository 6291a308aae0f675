import Bencode
package import Primitives

/// What a reply says beside what every node's replies do.
package enum ReplyExtra: Hashable, Sendable {
    case none
    /// To `get` (BEP 44): an item, whose salt is not sent.
    case item(Item)
    /// To `get`, when the asker has what we have, or something newer.
    case sequence(Int64)
    /// To `sample_infohashes` (BEP 51); `interval` in seconds.
    case samples([InfoHash], interval: Int, total: Int)
    /// To `get_peers` with `scrape` (BEP 33): two Bloom filters of 256 bytes.
    case filters(seeds: [UInt8], peers: [UInt8])
}

extension ReplyExtra {
    /// What it adds to a reply.
    var byteCount: Int {
        switch self {
        case .none: 0
        case .item(let item):
            "1:v".utf8.count + item.value.count
                + (item.signed.map { signed in
                    "1:k3:sig".utf8.count + MessageEncoder.string(signed.key.count)
                        + MessageEncoder.string(signed.signature.count) + Self.byteCount(of: signed.sequence)
                } ?? 0)
        case .sequence(let sequence): Self.byteCount(of: sequence)
        case .samples(let hashes, let interval, let total):
            "8:interval3:num7:samples".utf8.count + MessageEncoder.integer(Int64(interval))
                + MessageEncoder.integer(Int64(total)) + MessageEncoder.string(hashes.count * ID160.byteCount)
        case .filters(let seeds, let peers):
            "4:BFpe4:BFsd".utf8.count + MessageEncoder.string(seeds.count) + MessageEncoder.string(peers.count)
        }
    }

    private static func byteCount(of sequence: Int64) -> Int {
        "3:seq".utf8.count + MessageEncoder.integer(sequence)
    }

    /// The keys that sort before `id`.
    func writeFilters(to writer: inout BencodeWriter) {
        guard case .filters(let seeds, let peers) = self else { return }
        writer.key("BFpe")
        writer.string(peers)
        writer.key("BFsd")
        writer.string(seeds)
    }

    /// The keys between `id` and `nodes`.
    func writeBeforeNodes(to writer: inout BencodeWriter) {
        switch self {
        case .samples(_, let interval, _):
            writer.key("interval")
            writer.integer(interval)
        case .item(let item):
            guard let signed = item.signed else { return }
            writer.key("k")
            writer.string(signed.key)
        case .none, .sequence, .filters: break
        }
    }

    /// The keys between `nodes6` and `token`.
    func writeAfterNodes(to writer: inout BencodeWriter) {
        switch self {
        case .samples(let hashes, _, let total):
            writer.key("num")
            writer.integer(total)
            writer.key("samples")
            writer.string(byteCount: hashes.count * ID160.byteCount) { span, start in
                for (index, hash) in hashes.enumerated() { span.store(hash, at: start + index * ID160.byteCount) }
            }
        case .item(let item):
            guard let signed = item.signed else { return }
            writer.key("seq")
            writer.integer(signed.sequence)
            writer.key("sig")
            writer.string(signed.signature)
        case .sequence(let sequence):
            writer.key("seq")
            writer.integer(sequence)
        case .none, .filters: break
        }
    }

    /// The key between `token` and `values`.
    func writeValue(to writer: inout BencodeWriter) {
        guard case .item(let item) = self else { return }
        writer.key("v")
        writer.raw(item.value.span.bytes)
    }
}
