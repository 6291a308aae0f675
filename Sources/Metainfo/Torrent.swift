import Bencode

/// A .torrent file (BEP 3, BEP 5, BEP 12): an info dictionary and where to look for peers.
///
/// Only the info dictionary has to be right. What surrounds it is a set of hints: a tracker or node that makes no sense
/// is passed over.
package struct Torrent: Hashable, Sendable {
    package let info: Info
    /// Tiers of URLs, none of them empty, at most `MetainfoLimits.sources` URLs; a plain `announce` is a tier of one.
    package let trackers: [[String]]
    /// `url-list` (BEP 19): web seeds, at most `MetainfoLimits.sources`, not checked further.
    package var webSeeds: [String] = []
    /// DHT nodes to start from.
    package let nodes: [PeerAddress]
    /// What its maker has to say; from the network, so escape it before showing it.
    package var comment: String?
    /// When it was made, in seconds since 1970.
    package var creationDate: Int64?

    package init(info: Info, trackers: [[String]] = [], nodes: [PeerAddress] = []) {
        self.info = info
        self.trackers = trackers
        self.nodes = nodes
    }

    /// Reads a .torrent file of at most `MetainfoLimits.torrentBytes`.
    package init(bytes: [UInt8]) throws(MetainfoError) {
        let limit = MetainfoLimits.torrentBytes
        guard bytes.count <= limit else { throw .tooLarge(limitBytes: limit) }
        if let kind = OtherFileKind(bytes) { throw .otherFile(kind) }
        let fields = try TorrentFields(bytes.span.bytes)
        guard let range = fields.info else { throw .missing(.info) }
        info = try Info(bytes: Array(bytes[range]))
        trackers = fields.trackers
        webSeeds = fields.webSeeds
        nodes = fields.nodes
        comment = fields.comment
        creationDate = fields.creationDate
    }

    /// The bytes of the file; those of the info dictionary are copied unchanged.
    package func encoded() -> [UInt8] {
        var writer = BencodeWriter()
        writer.beginDictionary()
        if let first = trackers.first?.first {
            writer.key("announce")
            writer.string(first.utf8)
        }
        if trackers.count > 1 || (trackers.first?.count ?? 0) > 1 {
            writer.key("announce-list")
            writer.beginList()
            for tier in trackers {
                writer.beginList()
                for tracker in tier { writer.string(tracker.utf8) }
                writer.end()
            }
            writer.end()
        }
        if let comment {
            writer.key("comment")
            writer.string(comment.utf8)
        }
        if let creationDate {
            writer.key("creation date")
            writer.integer(creationDate)
        }
        writer.key("info")
        writer.raw(info.bytes.span.bytes)
        if !nodes.isEmpty {
            writer.key("nodes")
            writer.beginList()
            for node in nodes {
                writer.beginList()
                writer.string(node.host.utf8)
                writer.integer(node.port)
                writer.end()
            }
            writer.end()
        }
        if !webSeeds.isEmpty {
            writer.key("url-list")
            writer.beginList()
            for webSeed in webSeeds { writer.string(webSeed.utf8) }
            writer.end()
        }
        writer.end()
        return writer.bytes
    }
}

private struct TorrentFields {
    private(set) var info: Range<Int>?
    /// Tiers.
    private var announce: [[String]] = []
    private var announceList: [[String]] = []
    private(set) var webSeeds: [String] = []
    private(set) var nodes: [PeerAddress] = []
    private(set) var comment: String?
    private(set) var creationDate: Int64?

    init(_ bytes: RawSpan) throws(MetainfoError) {
        var reader = MetainfoReader(bytes)
        try reader.enterDictionary(.info, in: bytes)
        while let key = try reader.nextKey(in: bytes) {
            if bytes.matches("info", at: key) {
                guard info == nil else { throw .repeated(.info) }
                info = try reader.skip(in: bytes)
            } else if bytes.matches("announce", at: key) {
                announce = try readTiers(&reader, bytes)
            } else if bytes.matches("announce-list", at: key) {
                announceList = try readTiers(&reader, bytes)
            } else if bytes.matches("url-list", at: key) {
                webSeeds = Array(try readTiers(&reader, bytes).joined())
            } else if bytes.matches("nodes", at: key) {
                try readNodes(&reader, bytes)
            } else if bytes.matches("comment", at: key) {
                comment = try reader.stringOrSkip(in: bytes).map { bytes.text($0) }
            } else if bytes.matches("creation date", at: key) {
                creationDate = try reader.integerOrSkip(in: bytes)
            } else {
                _ = try reader.skip(in: bytes)
            }
        }
        // Bytes after the dictionary do no harm: some files end with a line break.
    }

    /// BEP 12: `announce` is ignored where there is a list of which something can be used.
    var trackers: [[String]] {
        let tiers = announceList.joined().contains(where: Self.isTracker) ? announceList : announceList + announce
        var seen: Set<String> = []
        return tiers.map { $0.filter { seen.insert($0).inserted } }.filter { !$0.isEmpty }
    }

    private static func isTracker(_ url: String) -> Bool {
        ["http://", "https://", "udp://"].contains { url.lowercased().hasPrefix($0) }
    }

    /// Lists of URLs; a URL that stands where a list is expected is a tier of its own.
    private func readTiers(_ reader: inout MetainfoReader, _ bytes: RawSpan) throws(MetainfoError) -> [[String]] {
        var (tiers, count): ([[String]], Int) = ([], 0)
        func isWanted(_ url: Range<Int>) -> Bool { !url.isEmpty && count < MetainfoLimits.sources }
        guard try reader.kind(in: bytes) == .list else {
            let url = try reader.stringOrSkip(in: bytes)
            return url.map { isWanted($0) ? [[bytes.text($0).trimmed]] : [] } ?? []
        }
        _ = try reader.enterListOrSkip(in: bytes)
        while try reader.nextElement(in: bytes) {
            guard try reader.kind(in: bytes) == .list else {
                guard let url = try reader.stringOrSkip(in: bytes), isWanted(url) else { continue }
                tiers.append([bytes.text(url).trimmed])
                count += 1
                continue
            }
            var tier: [String] = []
            _ = try reader.enterListOrSkip(in: bytes)
            while try reader.nextElement(in: bytes) {
                guard let url = try reader.stringOrSkip(in: bytes), isWanted(url) else { continue }
                tier.append(bytes.text(url).trimmed)
                count += 1
            }
            if !tier.isEmpty { tiers.append(tier) }
        }
        return tiers
    }

    /// BEP 5: a list of `[host, port]`.
    private mutating func readNodes(_ reader: inout MetainfoReader, _ bytes: RawSpan) throws(MetainfoError) {
        guard try reader.enterListOrSkip(in: bytes) else { return }
        while try reader.nextElement(in: bytes) {
            guard try reader.enterListOrSkip(in: bytes) else { continue }
            var host: String?
            var port: UInt16?
            while try reader.nextElement(in: bytes) {
                if host == nil, let range = try reader.stringOrSkip(in: bytes) {
                    host = bytes.text(range)
                } else if let value = try reader.integerOrSkip(in: bytes) {
                    port = UInt16(exactly: value)
                }
            }
            guard nodes.count < MetainfoLimits.sources, let host, let port,
                let node = PeerAddress(host: host, port: port)
            else { continue }
            nodes.append(node)
        }
    }
}

extension String {
    /// Without blanks and line breaks at either end.
    fileprivate var trimmed: String { String(decoding: Array(utf8)[...].trimmingBlanks(), as: UTF8.self) }
}
