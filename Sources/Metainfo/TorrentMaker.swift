package import Primitives

/// Makes a v1 .torrent: first the pieces that have to be hashed, then, with the hashes, the file and its link.
///
/// The same input gives the same bytes: no date unless one is given, and no name of a program.
package struct TorrentMaker: Sendable {
    package var builder: InfoBuilder
    /// Each is a tier of its own (BEP 12): the next one is asked when the one before fails.
    package var trackers: [String] = []
    package var nodes: [PeerAddress] = []
    package var comment: String?
    /// Seconds since 1970.
    package var creationDate: Int64?

    package init(_ builder: InfoBuilder) {
        self.builder = builder
    }

    /// The torrent without its hashes, which says what each piece is made of.
    package func draft() throws(MetainfoError) -> Info { try builder.draft() }

    /// The torrent, with one hash for each piece of the draft.
    package func torrent(pieceHashes: [ID160]) throws(MetainfoError) -> Torrent {
        var torrent = Torrent(
            info: try builder.info(pieceHashes: pieceHashes), trackers: trackers.map { [$0] }, nodes: nodes)
        torrent.comment = comment
        torrent.creationDate = creationDate
        return torrent
    }
}

extension Torrent {
    /// A link to it, with its name and its trackers.
    package var magnet: Magnet {
        Magnet(infoHash: info.infoHash, displayName: info.name, trackers: trackers.flatMap(\.self))
    }
}
