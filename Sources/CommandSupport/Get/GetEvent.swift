package import Client
package import Metainfo
package import Primitives
package import Swarm

/// What a download reports while it runs, for people and for machines.
package enum GetEvent: Equatable, Sendable {
    case lookupStarted
    case peerFound(Endpoint, PeerSource)
    case tracker(TrackerReport)
    case peerConnected(Endpoint)
    case peerLost(Endpoint, PeerLoss)
    case metadata(Info, SelectedFiles)
    /// A whole metadata did not match the infohash; so many peers had a part in it.
    case metadataRejected(peers: Int)
    case pieceFailed(Int)
    case announced(nodes: Int)
    /// The index of a file in the torrent, all of whose pieces are verified; of the wanted ones.
    case fileCompleted(Int, Info)
    case completed(Info, GetTimings, GetTotals)
}

/// The largest counts that a tracker has: the same peers are counted at each.
package struct TrackerCounts: Equatable, Sendable {
    package var seeds: Int?
    package var leechers: Int?

    package init() {}
}

/// The time from the start to what happened first of each kind; nil for what did not happen in this run.
package struct GetTimings: Equatable, Sendable {
    package var firstNode: Duration?
    package var firstPeer: Duration?
    package var firstConnection: Duration?
    package var metadata: Duration?
    package var firstPiece: Duration?
    package var complete: Duration?

    package init() {}
}

/// Bytes of payload that a run moved.
package struct GetTotals: Equatable, Sendable {
    /// Of the wanted files.
    package var size = 0
    package var downloaded = 0
    package var uploaded = 0
    /// Received, but not asked for or broken.
    package var wasted = 0

    package init() {}
}

/// How a download ended.
package struct GetOutcome: Equatable, Sendable {
    package let status: ProgramExit
    /// Where it was when it ended.
    package let stage: GetStage
    /// What happened, with the evidence; one sentence.
    package let message: String
    /// What to try next.
    package let advice: String?

    package init(_ status: ProgramExit, at stage: GetStage, _ message: String, advice: String? = nil) {
        self.status = status
        self.stage = stage
        self.message = message
        self.advice = advice
    }
}
