/// How one swarm fared.
package struct SwarmReport: Equatable, Sendable {
    package var seed: UInt64 = 0
    package var bound: SwarmBound
    /// Seconds from the start until the k-th downloader had all of it, ascending.
    package var completionSeconds: [Double] = []
    /// Of these, those of downloaders that serve, and of free riders.
    package var contributorSeconds: [Double] = []
    package var freeRiderSeconds: [Double] = []
    package var firstPieceSeconds: [Double] = []
    package var unfinished = 0
    package var timeline: [Sample] = []
    /// What left the links, messages and all, in bytes.
    package var seedBytes = 0
    package var peerBytes = 0
    /// Payload that downloaders received, and what of it was not wanted.
    package var payloadBytes = 0
    package var wastedBytes = 0
    /// How often a client stopped reading because its disk was behind.
    package var pauses = 0
    package var largestDiskBacklogBytes = 0
    package var facts = 0
    package var digest: UInt64 = 0

    /// The state of the swarm at a moment.
    package struct Sample: Equatable, Sendable {
        package var seconds: Double
        /// What left since the sample before, in bytes per second.
        package var seedRate: Double
        package var peerRate: Double
        package var verifiedPieces: Int
        package var finished: Int
    }

    package init(bound: SwarmBound) {
        self.bound = bound
    }

    /// Seconds until everybody had all of it; infinite when somebody never had.
    package var lastSeconds: Double { unfinished > 0 ? .infinity : completionSeconds.last ?? 0 }
    package var meanSeconds: Double { Spread(completionSeconds).mean }
    /// Of the last peer to the bound of the fluid model: 1 is perfect.
    package var ratio: Double { lastSeconds / bound.seconds }
    /// What the seed sent, in lengths of the torrent.
    package var copies: Double { Double(seedBytes) / Double(bound.byteCount) }
    /// Which part of all payload was not wanted.
    package var waste: Double { payloadBytes > 0 ? Double(wastedBytes) / Double(payloadBytes) : 0 }
    /// How many times faster than from a server.
    package var gain: Double { bound.clientServerSeconds / lastSeconds }
}
