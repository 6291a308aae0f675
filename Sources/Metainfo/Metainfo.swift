/// What a torrent is, before any byte of it arrived: the link that names it and the dictionary that describes it.
///
/// - `Magnet`: a magnet link (BEP 9) or a bare infohash, as a person pastes it.
/// - `Info`: a validated v1 info dictionary (BEP 3), whose SHA-1 is the infohash, and the layout of its files.
/// - `FileSelection`, `SelectedFiles`: which of the files are wanted, before and after they are known.
/// - `Torrent`: a .torrent file, which is an `Info` and where to look for peers.
/// - `InfoBuilder`, `PieceHasher`: the way back, from files to an `Info`.
///
/// Names and paths are what the network said. They become safe names only at the write boundary, in `Storage`.
package enum MetainfoLimits {
    /// An info dictionary; the largest in use describe some hundred thousand pieces in under 10 MiB.
    package static let infoBytes = 32 << 20
    /// A .torrent file: an info dictionary, and hash layers and trackers that we skip.
    package static let torrentBytes = 64 << 20
    package static let files = 1_000_000
    package static let pieceLengths: ClosedRange<Int64> = 1...(512 << 20)
    /// Trackers of one magnet or .torrent file, web seeds, and peers, each; the rest is dropped and counted.
    package static let sources = 256
    /// Ranges and patterns of one selection of files; each is compared with every file.
    package static let selectionTerms = 1_000
    /// A magnet link in bytes.
    package static let magnetBytes = 256 << 10
}
