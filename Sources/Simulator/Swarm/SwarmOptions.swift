import Primitives
package import Swarm

/// One seed, many downloaders, and the links between them.
package struct SwarmOptions: Sendable {
    package var seed: UInt64 = 1
    /// Those that download and serve.
    package var downloaders = 100
    /// Those that download and serve nobody.
    package var freeRiders = 0
    /// Those that claim to have everything and serve something else.
    package var liars = 0
    /// Scripted peers that do harm in one way each; `RudeOptions` says in which.
    package var rudePeers = 0
    /// Seeds besides the first one.
    package var extraSeeds = 0
    /// Length of the torrent in bytes.
    package var byteCount = 1_000_000_000
    /// Nil chooses one as `InfoBuilder` does.
    package var pieceLength: Int?

    /// Bytes per second that the seed's link carries, each way.
    package var seedRate = 125e6
    /// Bytes per second from and to each of the others.
    package var upRate = 125e6
    package var downRate = 125e6
    /// The mean round trip; that of a pair is between a half and one and a half of it.
    package var roundTrip = Duration.milliseconds(20)

    /// How many of the others each downloader is told of, besides the seed: what a tracker would name.
    package var known = 40
    /// Downloaders come at random moments of this time.
    package var joinWindow = Duration.milliseconds(100)

    /// Bytes per second that a downloader's disk writes; nil for a disk that is never behind.
    package var diskRate: Double?
    /// From the last byte of a piece to its verdict: the rest of the hash, and the sync.
    package var diskDelay = Duration.milliseconds(10)

    /// The quantum: links are shared anew this often, and nothing happens between.
    package var tickLength = Duration.milliseconds(5)
    /// Who is not finished by then will not be.
    package var patience = Duration.seconds(3 * 3600)
    /// How often a downloader that is not finished asks the tracker for more peers; nil in a swarm without a tracker.
    package var announceInterval: Duration?
    /// What all clients are set to.
    package var swarm = Swarm.Configuration()

    package init() {}

    package var hostCount: Int { 1 + downloaders + freeRiders + liars + extraSeeds + rudePeers }

    /// What no protocol can beat with these links.
    package var bound: SwarmBound {
        SwarmBound(
            byteCount: byteCount, seedRate: seedRate, downRate: downRate, downloaders: downloaders + freeRiders,
            upRates: Double(downloaders) * upRate)
    }
}
