package import Primitives

/// Why a tracker is told something now (BEP 3); the numbers are those of UDP (BEP 15).
package enum AnnounceEvent: UInt32, Hashable, Sendable {
    /// A regular announce.
    case none = 0
    /// The last missing piece has arrived; never said of a torrent that was complete from the start.
    case completed = 1
    case started = 2
    case stopped = 3

    /// The value of `event`; a regular announce has none.
    var text: String? {
        switch self {
        case .none: nil
        case .completed: "completed"
        case .started: "started"
        case .stopped: "stopped"
        }
    }
}

/// What a tracker is told of us, over HTTP and UDP alike.
package struct AnnounceRequest: Hashable, Sendable {
    /// The torrent.
    package var infoHash: InfoHash
    /// The 20 bytes that we call ourselves to peers.
    package var peerID: ID160
    /// The TCP port on which we take connections.
    package var port: UInt16
    /// Payload bytes since the start.
    package var uploaded: Int64 = 0
    /// Payload bytes since the start, also those that failed their hash.
    package var downloaded: Int64 = 0
    /// Bytes still missing; 0 means that we are a seed, so it must not be 0 while the size is unknown.
    package var left: Int64 = AnnounceRequest.leftBeforeMetadata
    /// What has happened; a regular announce says nothing.
    package var event = AnnounceEvent.none
    /// The same for all announces of a torrent, so that a tracker knows us at another address (BEP 7).
    package var key: UInt32 = 0
    /// How many peers to send; nil leaves it to the tracker.
    package var peersWanted: Int?
    /// What an earlier reply of this HTTP tracker called `tracker id`.
    package var trackerID: [UInt8]?

    /// What libtorrent says while it does not know the size: one block, so nobody counts us as a seed.
    package static let leftBeforeMetadata: Int64 = 16 << 10

    /// A regular announce of a torrent of which nothing is known yet.
    package init(infoHash: InfoHash, peerID: ID160, port: UInt16) {
        self.infoHash = infoHash
        self.peerID = peerID
        self.port = port
    }
}
