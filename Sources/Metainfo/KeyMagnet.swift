import Bencode
package import Primitives

/// A magnet link to whatever torrent the owner of a key points at now (BEP 46): `magnet:?xs=urn:btpk:KEY&s=SALT`.
///
/// What it points at is a mutable item of the DHT (BEP 44) with the infohash in it.
package struct KeyMagnet: Hashable, Sendable {
    package static let keyByteCount = 32
    package static let saltBytesMax = 64

    /// An Ed25519 public key.
    package let key: [UInt8]
    package let salt: [UInt8]

    package init(key: [UInt8], salt: [UInt8] = []) {
        self.key = key
        self.salt = salt
    }

    /// Nil unless `text` is a link with exactly one well-formed key, and a salt that nodes take if there is one.
    package init?(_ text: String) {
        guard text.utf8.count <= MetainfoLimits.magnetBytes, let link = MagnetLink(MagnetLink.cleaned(text))
        else { return nil }
        var (keys, salts): ([[UInt8]], [[UInt8]]) = ([], [])
        for parameter in link.parameters {
            if parameter.key == "xs" {
                guard let hex = parameter.bytes.droppingPrefix("urn:btpk:") else { continue }
                guard let key = Hex.decode(String(decoding: hex, as: UTF8.self)) else { return nil }
                keys.append(key)
            } else if parameter.key == "s" {
                guard let salt = Hex.decode(parameter.text) else { return nil }
                salts.append(salt)
            }
        }
        guard Set(keys).count == 1, let key = keys.first, key.count == Self.keyByteCount, salts.count <= 1,
            (salts.first?.count ?? 0) <= Self.saltBytesMax
        else { return nil }
        self.init(key: key, salt: salts.first ?? [])
    }

    /// The link; parsing it gives an equal value.
    package var text: String {
        "magnet:?xs=urn:btpk:\(Hex.encode(key))" + (salt.isEmpty ? "" : "&s=\(Hex.encode(salt))")
    }

    /// The bencoded value of an item that points at a torrent.
    package static func value(pointingAt infoHash: InfoHash) -> [UInt8] {
        var writer = BencodeWriter()
        writer.beginDictionary()
        writer.key("ih")
        writer.string(infoHash.bytes)
        writer.end()
        return writer.bytes
    }

    /// What a bencoded value points at; nil if it is not of that kind.
    package static func infoHash(in value: [UInt8]) -> InfoHash? {
        let span = value.span.bytes
        var reader = BencodeReader(span)
        var found: InfoHash?
        do {
            try reader.enterDictionary(in: span)
            while let key = try reader.nextKey(in: span) {
                guard found == nil, span.matches("ih", at: key), try reader.kind(in: span) == .string else {
                    _ = try reader.skip(in: span)
                    continue
                }
                found = InfoHash(value[try reader.string(in: span)])
            }
            try reader.finish()
        } catch {
            return nil
        }
        return found
    }
}
