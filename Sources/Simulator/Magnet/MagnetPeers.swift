import Client
import Metainfo
import Primitives
import RealModule
import Swarm

/// The peers of a magnet: who of those that announced is there, and as what.
enum MagnetPeer: Equatable {
    /// Nobody answers.
    case silent
    /// Calls are refused.
    case refusing
    /// Has the metadata.
    case holder, slowHolder
    /// Has the metadata, and says that it is longer or shorter.
    case liar
    /// Looks for the metadata itself.
    case empty

    var isDead: Bool { self == .silent || self == .refusing }

    /// As many of each as the options say.
    static func all(_ options: MagnetOptions) -> [MagnetPeer] {
        let dead = part(options.deadShare, of: options.peers)
        let refusing = part(options.refusingShare, of: dead)
        let living = options.peers - dead
        let kinds: [(MagnetPeer, Int)] = [
            (.refusing, refusing), (.silent, dead - refusing), (.empty, part(options.emptyShare, of: living)),
            (.liar, part(options.liarShare, of: living)), (.slowHolder, part(options.slowShare, of: living)),
        ]
        let peers = kinds.flatMap { Array(repeating: $0.0, count: $0.1) }.prefix(options.peers)
        return peers + Array(repeating: .holder, count: options.peers - peers.count)
    }

    private static func part(_ share: Double, of whole: Int) -> Int { Int((share * Double(whole)).rounded()) }
}

extension VirtualNetwork {
    /// Whoever announced goes, and leaves what the peer is now.
    mutating func settle(
        _ peer: MagnetPeer, of info: Info, at host: HostIndex, _ options: MagnetOptions,
        using generator: inout SeededGenerator
    ) {
        guard !peer.isDead else { return remove(host, refusesCalls: peer == .refusing) }
        let (low, high) = (options.uplink.lowerBound, options.uplink.upperBound)
        let uplink = low * Double.pow(high / low, Double.random(in: 0...1, using: &generator))
        replace(
            host, byClient: Client.Configuration(), profile: peer == .liar ? .liesAboutSize : [],
            bytesPerSecond: peer == .slowHolder ? options.slowUplink : uplink)
        var torrent = Client.TorrentOptions()
        torrent.usesDHT = false
        torrent.announces = false
        torrent.metadataOnly = peer == .empty
        let source = peer == .empty ? Client.TorrentSource.infoHash(info.infoHash) : .info(info)
        command(.add(TorrentHandle(rawValue: 1), source, torrent), toClient: host)
    }
}

extension Info {
    /// Of about so many bytes, nearly all of them hashes of pieces, as in most torrents.
    static func drawn(bytes: Int, using generator: inout SeededGenerator) throws(MetainfoError) -> Info {
        let count = max(1, bytes / ID160.byteCount)
        let pieceLength = 256 << 10
        let builder = InfoBuilder(name: "payload", length: count * pieceLength, pieceLength: pieceLength)
        var hashes: [ID160] = []
        for _ in 0..<count { hashes.append(.random(using: &generator)) }
        return try builder.info(pieceHashes: hashes)
    }
}
