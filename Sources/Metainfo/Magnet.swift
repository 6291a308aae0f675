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
    /// An `so` that is no list of numbers and ranges, cut short: no reason to know nothing of the torrent.
    package private(set) var unreadableSelection: String?
    /// How many `tr`, `ws` and `x.pe` were dropped because of `MetainfoLimits.sources`.
    package private(set) var droppedSources = 0

    package init(
        infoHash: InfoHash, displayName: String? = nil, trackers: [String] = [], peers: [PeerAddress] = []
    ) {
        self.infoHash = infoHash
        self.displayName = displayName
        self.trackers = trackers
        self.peers = peers
    }

    /// Parses `magnet:?xt=urn:btih:…`, 40 hexadecimal digits or 32 base32 letters, in upper or lower case, with blanks
    /// around it.
    package init(_ text: String) throws(MagnetError) {
        let limit = MetainfoLimits.magnetBytes
        guard text.utf8.count <= limit else { throw .tooLong(limitBytes: limit) }
        let link = Array(text.utf8)[...].trimmingBlanks()
        guard !link.isEmpty else { throw .empty }
        guard let query = link.droppingPrefix("magnet:?") else {
            guard link.allSatisfy(\.isLetterOrDigit) else { throw .notAMagnet }
            infoHash = try InfoHashText.parse(link)
            return
        }
        let parameters = query.split(separator: UInt8(ascii: "&")).map(Parameter.init)
        infoHash = try Self.infoHash(in: parameters)
        for parameter in parameters { try take(parameter) }
    }

    /// The link; parsing it gives an equal value, but for a selection that cannot be read and is left out.
    package var text: String {
        var text = "magnet:?xt=urn:btih:\(infoHash.hex)"
        if let displayName { text += "&dn=" + PercentCoding.encode(displayName) }
        for tracker in trackers { text += "&tr=" + PercentCoding.encode(tracker) }
        for webSeed in webSeeds { text += "&ws=" + PercentCoding.encode(webSeed) }
        for peer in peers { text += "&x.pe=" + peer.description }
        if let files = selection?.selectOnly { text += "&so=" + files }
        return text
    }

    /// A link may name the same torrent several times, for other networks too: exactly one v1 infohash is wanted.
    private static func infoHash(in parameters: [Parameter]) throws(MagnetError) -> InfoHash {
        var found: InfoHash?
        var otherTopic: String?
        var hasVersion2 = false
        for parameter in parameters where parameter.isTopic {
            let topic = parameter.decoded(plusIsSpace: false)[...]
            if let hash = topic.droppingPrefix("urn:btih:") {
                let hash = try InfoHashText.parse(hash)
                guard found == nil || found == hash else { throw .severalInfoHashes }
                found = hash
            } else if topic.droppingPrefix("urn:btmh:") != nil {
                hasVersion2 = true
            } else {
                otherTopic = otherTopic ?? MagnetError.excerpt(topic)
            }
        }
        if let found { return found }
        if hasVersion2 { throw .version2Only }
        guard let otherTopic else { throw .missingTopic }
        throw .unknownTopic(otherTopic)
    }

    private mutating func take(_ parameter: Parameter) throws(MagnetError) {
        switch parameter.key {
        case "dn" where displayName == nil:
            displayName = String(decoding: parameter.decoded(plusIsSpace: true), as: UTF8.self)
        case "tr": Self.append(parameter.text, to: &trackers, &droppedSources)
        case "ws": Self.append(parameter.text, to: &webSeeds, &droppedSources)
        case "so" where selection == nil && unreadableSelection == nil:
            selection = FileSelection(selectOnly: parameter.text)
            if selection == nil { unreadableSelection = MagnetError.excerpt(parameter.decoded(plusIsSpace: false)) }
        case "x.pe":
            guard let peer = PeerAddress(parameter.text) else {
                throw .peerAddress(MagnetError.excerpt(parameter.decoded(plusIsSpace: false)))
            }
            Self.append(peer, to: &peers, &droppedSources)
        default: break
        }
    }

    private static func append<Source>(_ source: Source, to list: inout [Source], _ droppedSources: inout Int) {
        if list.count < MetainfoLimits.sources { list.append(source) } else { droppedSources += 1 }
    }
}

/// `key=value`, the key in lower case and without the number of `tr.1`, the value still encoded.
private struct Parameter {
    let key: String
    private let value: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) {
        let equals = text.firstIndex(of: UInt8(ascii: "=")) ?? text.endIndex
        var key = text[..<equals]
        if let dot = key.lastIndex(of: UInt8(ascii: ".")), case let number = key[(dot + 1)...], !number.isEmpty,
            number.allSatisfy(\.isDigit)
        {
            key = key[..<dot]
        }
        self.key = String(decoding: key.map(\.lowercased), as: UTF8.self)
        value = text[equals...].dropFirst()
    }

    var isTopic: Bool { key == "xt" }

    var text: String { String(decoding: decoded(plusIsSpace: false), as: UTF8.self) }

    func decoded(plusIsSpace: Bool) -> [UInt8] {
        PercentCoding.decode(value, plusIsSpace: plusIsSpace)
    }
}
