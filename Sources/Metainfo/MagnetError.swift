/// What is broken in a magnet link; texts that come from the link are cut short, but not escaped.
package enum MagnetError: Error, Hashable, Sendable {
    case empty
    case tooLong(limitBytes: Int)
    /// Neither `magnet:?…` nor letters and digits only.
    case notAMagnet
    /// No `xt`.
    case missingTopic
    /// Only `xt` of other networks.
    case unknownTopic(String)
    /// Only `xt=urn:btmh:…` (BEP 52).
    case version2Only
    /// Two different v1 infohashes.
    case severalInfoHashes
    case infoHashLength(Int)
    case infoHashCharacter(String, isHex: Bool)

    /// The beginning of a text that is quoted in an error.
    static func excerpt(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: bytes.prefix(80), as: UTF8.self) + (bytes.count > 80 ? "…" : "")
    }
}

extension MagnetError: CustomStringConvertible {
    /// One sentence that names what is broken and how it should look.
    package var description: String {
        switch self {
        case .empty: "the magnet link is empty"
        case .tooLong(let limit): "the magnet link is longer than \(limit >> 10) KiB"
        case .notAMagnet:
            "this is neither a magnet link (magnet:?xt=urn:btih:…) nor a bare infohash (\(Self.hashForms))"
        case .missingTopic: "the magnet link has no xt=urn:btih:… parameter, which says what to download"
        case .unknownTopic(let topic):
            "the magnet link has no BitTorrent infohash: its xt is '\(topic)', expected urn:btih:…"
        case .version2Only: "the magnet link has only a v2 infohash (urn:btmh): v2-only torrents are not supported yet"
        case .severalInfoHashes: "the magnet link has two different v1 infohashes (urn:btih); expected one"
        case .infoHashLength(let length): "the infohash has \(length) characters; expected \(Self.hashForms)"
        case .infoHashCharacter(let character, isHex: true):
            "the infohash contains '\(character)', which is no hexadecimal digit (0-9, a-f)"
        case .infoHashCharacter(let character, isHex: false):
            "the infohash contains '\(character)', which is no base32 letter (a-z, 2-7)"
        }
    }

    private static let hashForms = "40 hexadecimal digits or 32 base32 letters"
}
