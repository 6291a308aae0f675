import Glibc
package import Metainfo
package import Primitives
import TrackerProtocol

/// What a command line names as a torrent: a magnet link, a bare infohash, or the path of a .torrent file.
package struct GetSource: Equatable, Sendable {
    package let infoHash: InfoHash
    /// From the network, unescaped.
    package private(set) var name: String?
    /// Known when the source is a .torrent file.
    package private(set) var info: Info?
    /// `x.pe` of a magnet.
    package let peers: [PeerAddress]
    /// `nodes` of a .torrent file: where to enter the DHT (BEP 5).
    package let nodes: [PeerAddress]
    /// `so` of a magnet (BEP 53).
    package let selection: FileSelection?
    /// What was left out of it, to be told to the user; from the network, unescaped.
    package let remarks: [String]
    /// In their tiers (BEP 12), as texts; each of a magnet is a tier of its own.
    package let trackers: [[String]]
    /// `url-list` of a .torrent file and `ws` of a magnet, as texts.
    package let webSeeds: [String]

    /// Why a source cannot be used, and the exit status that says so.
    package struct Failure: Error, Equatable {
        package let status: ProgramExit
        package let message: String
        package let advice: String?

        package init(_ status: ProgramExit, _ message: String, advice: String? = nil) {
            self.status = status
            self.message = message
            self.advice = advice
        }
    }

    package init(_ text: String) throws(Failure) {
        if let magnet = try Self.magnet(text) {
            self.init(magnet)
        } else {
            self.init(try Self.torrent(atPath: text))
        }
    }

    /// How many of the trackers have a URL that can be asked.
    package var usableTrackers: Int { trackers.joined().count { (try? TrackerProtocol.TrackerURL($0)) != nil } }

    /// The same source with its metadata.
    package func with(_ info: Info) -> GetSource {
        var source = self
        source.info = info
        source.name = info.name
        return source
    }

    private init(_ magnet: Magnet) {
        infoHash = magnet.infoHash
        name = magnet.displayName
        info = nil
        peers = magnet.peers
        nodes = []
        trackers = magnet.trackers.map { [$0] }
        webSeeds = magnet.webSeeds
        selection = magnet.selection
        remarks = magnet.remarks.map(\.description)
    }

    private init(_ torrent: Torrent) {
        infoHash = torrent.info.infoHash
        name = torrent.info.name
        info = torrent.info
        peers = []
        nodes = torrent.nodes
        trackers = torrent.trackers
        webSeeds = torrent.webSeeds
        selection = nil
        remarks = []
    }

    // MARK: Magnets

    /// Nil when the text looks like the path of a file.
    private static func magnet(_ text: String) throws(Failure) -> Magnet? {
        do {
            return try Magnet(text)
        } catch {
            let isMagnet = text.lowercased().hasPrefix("magnet:")
            guard isMagnet || looksLikeInfoHash(text) && access(text, F_OK) != 0 else { return nil }
            // A shell that meets a bare `&` starts what is before it in the background: the rest of the link is lost.
            let advice = isMagnet && error == .missingTopic || error == .notAMagnet ? quotingAdvice : nil
            throw Failure(.usage, "broken \(isMagnet ? "magnet" : "infohash"): \(escaped(error))", advice: advice)
        }
    }

    private static let quotingAdvice =
        #"put the whole link in quotes, or the shell cuts it at the first &: magnetget "magnet:?xt=urn:btih:…&dn=…""#

    private static func escaped(_ error: MagnetError) -> String { TerminalText.escaped(error.description) }

    /// Letters and digits only, about as many as an infohash has.
    private static func looksLikeInfoHash(_ text: String) -> Bool {
        (28...44).contains(text.utf8.count) && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }

    // MARK: .torrent files

    private static func torrent(atPath path: String) throws(Failure) -> Torrent {
        let shown = TerminalText.escaped(TerminalText.truncated(path, to: 200))
        let bytes: [UInt8]
        do {
            bytes = try FileContents.read(path, limitBytes: MetainfoLimits.torrentBytes)
        } catch {
            throw failure(error, shown)
        }
        do {
            return try Torrent(bytes: bytes)
        } catch {
            throw Failure(.badContent, "\(shown) is no usable .torrent file: \(error)")
        }
    }

    private static func failure(_ error: FileContents.Failure, _ path: String) -> Failure {
        switch error {
        case .noSuchFile:
            let isURL = path.hasPrefix("http://") || path.hasPrefix("https://")
            return Failure(
                .usage, "'\(path)' is no magnet link, no infohash and no file that exists",
                advice: isURL
                    ? "download the .torrent file first and give its path"
                    : "give a magnet link in quotes, 40 hexadecimal digits, or the path of a .torrent file")
        case .noFile: return Failure(.usage, "'\(path)' is not a file")
        case .tooLarge:
            let limit = HumanText.size(MetainfoLimits.torrentBytes)
            return Failure(.badContent, "\(path) is larger than any .torrent file (\(limit))")
        case .system(let code): return Failure(.disk, "cannot read \(path): \(String(cString: strerror(code)))")
        }
    }
}
