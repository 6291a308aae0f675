package import Primitives

/// A magnet link (BEP 9), or the bare infohash that people paste in its place.
package struct Magnet: Hashable, Sendable {
    package let infoHash: InfoHash
    /// `dn`, what to call the torrent until its metadata is there; from the network, so escape it before showing it.
    package private(set) var displayName: String?
    /// `tr`: tracker URLs, not checked further.
    package private(set) var trackers: [String] = []
    /// `ws`: web seed URLs (BEP 19), not checked further.
    package private(set) var webSeeds: [String] = []
    /// `x.pe`: peers to connect to at once.
    package private(set) var peers: [PeerAddress] = []
    /// `so`: which files are wanted (BEP 53); nil for all.
    package var selection: FileSelection?
    /// What was left out, one of each kind.
    package private(set) var remarks: [MagnetRemark] = []

    package init(
        infoHash: InfoHash, displayName: String? = nil, trackers: [String] = [], peers: [PeerAddress] = []
    ) {
        self.infoHash = infoHash
        self.displayName = displayName
        self.trackers = trackers
        self.peers = peers
    }

    /// Parses `magnet:?xt=urn:btih:…`, `urn:btih:…`, 40 hexadecimal digits or 32 base32 letters, in upper or lower case
    /// and with what pasting leaves around it.
    ///
    /// Only the infohash has to be right. Anything else that makes no sense is left out with a remark.
    package init(_ text: String) throws(MagnetError) {
        let limit = MetainfoLimits.magnetBytes
        guard text.utf8.count <= limit else { throw .tooLong(limitBytes: limit) }
        let pasted = MagnetLink.cleaned(text)
        guard !pasted.isEmpty else { throw .empty }
        guard let link = MagnetLink(pasted) else {
            infoHash = try Self.bareInfoHash(pasted)
            return
        }
        infoHash = try Self.infoHash(in: link.parameters, &remarks)
        for parameter in link.parameters { take(parameter) }
    }

    /// The link; parsing it gives an equal value, but for remarks.
    package var text: String {
        var text = "magnet:?xt=urn:btih:\(infoHash.hex)"
        if let displayName { text += "&dn=" + PercentCoding.encode(displayName) }
        for tracker in trackers { text += "&tr=" + PercentCoding.encode(tracker) }
        for webSeed in webSeeds { text += "&ws=" + PercentCoding.encode(webSeed) }
        for peer in peers { text += "&x.pe=" + peer.description }
        if let files = selection?.selectOnly { text += "&so=" + files }
        return text
    }

    private static func bareInfoHash(_ text: ArraySlice<UInt8>) throws(MagnetError) -> InfoHash {
        if let hash = text.droppingPrefix("urn:btih:") { return try InfoHashText.parse(hash.trimmingBlanks()) }
        if text.droppingPrefix("urn:btmh:") != nil { throw .version2Only }
        guard text.allSatisfy(\.isLetterOrDigit) else { throw .notAMagnet }
        return try InfoHashText.parse(text)
    }

    /// A link may name the same torrent several times, for other networks too: exactly one v1 infohash is wanted.
    private static func infoHash(
        in parameters: [Parameter], _ remarks: inout [MagnetRemark]
    ) throws(MagnetError) -> InfoHash {
        var found: InfoHash?
        var broken: (text: String, error: MagnetError)?
        var otherTopic: String?
        var hasVersion2 = false
        for parameter in parameters where parameter.key == "xt" {
            let topic = parameter.bytes
            if let text = topic.droppingPrefix("urn:btih:") {
                do throws(MagnetError) {
                    // A fragment is for whatever page the link stood on.
                    let hash = try InfoHashText.parse(text.prefix { $0 != UInt8(ascii: "#") })
                    guard found == nil || found == hash else { throw .severalInfoHashes }
                    found = hash
                } catch .severalInfoHashes {
                    throw .severalInfoHashes
                } catch {
                    broken = broken ?? (MagnetError.excerpt(topic), error)
                }
            } else if topic.droppingPrefix("urn:btmh:") != nil {
                hasVersion2 = true
            } else {
                otherTopic = otherTopic ?? MagnetError.excerpt(topic)
            }
        }
        if let found {
            if let broken { remarks.append(MagnetRemark(.infoHash, example: broken.text)) }
            return found
        }
        if let broken { throw broken.error }
        if hasVersion2 { throw .version2Only }
        guard let otherTopic else { throw .missingTopic }
        throw .unknownTopic(otherTopic)
    }

    private mutating func take(_ parameter: Parameter) {
        switch parameter.key {
        case "dn" where (displayName ?? "").isEmpty: displayName = parameter.title
        case "tr": append(parameter.url, to: \.trackers)
        case "ws": append(parameter.url, to: \.webSeeds)
        case "so": select(parameter.text)
        case "x.pe":
            if let peer = PeerAddress(parameter.text) {
                append(peer, to: \.peers)
            } else {
                remark(.peerAddress, parameter.text)
            }
        default: break
        }
    }

    private mutating func append<Source: Equatable>(_ source: Source, to list: WritableKeyPath<Magnet, [Source]>) {
        // Links that were put together from several name the same tracker again and again.
        guard !self[keyPath: list].contains(source) else { return }
        if self[keyPath: list].count < MetainfoLimits.sources {
            self[keyPath: list].append(source)
        } else {
            remark(.sources, "\(source)")
        }
    }

    /// Several selections mean all of them together; what is no number and no range of numbers is left out.
    private mutating func select(_ text: String) {
        var (readable, unreadable) = (selection ?? FileSelection(), [Substring]())
        for item in text.split(separator: ",") where !readable.add(selectOnly: item) { unreadable.append(item) }
        if !readable.isEmpty { selection = readable }
        if let first = unreadable.first { remark(.selection, String(first), count: unreadable.count) }
        if text.isEmpty { remark(.selection, "") }
    }

    private mutating func remark(_ part: MagnetRemark.Part, _ text: String, count: Int = 1) {
        if let index = remarks.firstIndex(where: { $0.part == part }) {
            remarks[index].count += count
        } else {
            remarks.append(MagnetRemark(part, example: MagnetError.excerpt(text.utf8), count: count))
        }
    }
}
