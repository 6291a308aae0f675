/// A torrent's state at one moment, for progress displays and reports.
package struct TorrentSnapshot: Equatable, Sendable {
    /// Where the torrent stands.
    package enum Stage: String, Equatable, Sendable {
        /// Waiting for the info dictionary. Turns into `opening`.
        case metadata
        /// The storage checks what is on disk. Turns into `downloading`, `complete` or `failed`.
        case opening
        /// Turns into `complete` or `failed`.
        case downloading
        /// Every wanted piece is verified; serves others.
        case complete
        /// The storage or the metadata is unusable; nothing more will happen.
        case failed
    }

    package var stage: Stage = .metadata
    /// Of the wanted files; 0 until the metadata is known.
    package var totalBytes = 0
    package var verifiedBytes = 0
    /// Pieces with bytes of wanted files.
    package var pieceCount = 0
    package var verifiedPieces = 0
    /// What is not verified, wanted or not; nil until the metadata is known.
    package var leftBytes: Int?
    /// Payload received, also what was later thrown away.
    package var downloadedBytes = 0
    /// Payload sent.
    package var uploadedBytes = 0
    /// Payload received that was not asked for, or failed its hash.
    package var wastedBytes = 0
    /// Bytes per second.
    package var downloadRate = 0.0
    package var uploadRate = 0.0
    /// Distinct endpoints ever heard of.
    package var peersKnown = 0
    package var peersConnecting = 0
    /// Peers whose handshake is complete.
    package var peersConnected = 0
    /// Connected peers that have every piece.
    package var seedsConnected = 0
    /// Connected peers that let us download.
    package var peersServing = 0
    /// Connected peers that owe blocks and give none: others may be asked for what they owe.
    package var peersDoubted = 0
    /// Blocks that were asked for.
    package var requestsSent = 0
    /// How often a peer gave nothing for what it was asked, and had to wait for its next request.
    package var requestFailures = 0
    /// Connection attempts that were refused or timed out.
    package var connectFailures = 0
    /// Peers that gave bad data and are refused from now on.
    package var peersBanned = 0
    /// Connected peers that a block was received from or sent to in the last minute.
    package var peersUseful = 0
    /// Endpoints that were named and not tried yet.
    package var candidatesWaiting = 0
    /// Endpoints refused because the list was full of others of the same source.
    package var candidatesRefused = 0
    /// Endpoints dropped from a full list in favour of those of other sources.
    package var candidatesDisplaced = 0
    /// Connections of no use that were ended so that another peer gets their place.
    package var peersDisplaced = 0
    /// Callers for which there was no place.
    package var callersRefused = 0
    /// Connected peers that have offered metadata.
    package var metadataOffers = 0
    /// Unfinished metadata that was dropped because too much was held.
    package var metadataEvictions = 0
    /// Metadata sent to peers.
    package var metadataUploadedBytes = 0
    /// Upload places taken back from peers that took nothing.
    package var unusedTurns = 0
    /// Connections ended for too many messages that change nothing.
    package var floods = 0
    /// Connections ended because blocks that were there for them did not move.
    package var stuckUploads = 0

    package init() {}
}
