import Primitives
package import Swarm

/// A swarm that starts from magnets, and the rude peers in it.
package struct RudeOptions: Sendable {
    package var seed: UInt64 = 1
    /// All of them: seeds, downloaders and rude peers.
    package var peers = 200
    package var seeds = 2
    /// Which part of all peers is rude.
    package var rudeShare = 0.3
    package var kinds = RudeKind.allCases
    /// Length of the torrent in bytes.
    package var byteCount = 1 << 20
    package var pieceLength = 64 << 10
    /// About the length of the info dictionary in bytes, so that it takes several requests.
    package var metadataBytes = 20_000

    /// Bytes per second from and to each.
    package var seedRate = 1e6
    package var upRate = 125e3
    package var downRate = 1.25e6
    package var roundTrip = Duration.milliseconds(100)
    /// How many peers the tracker names at a time.
    package var named = 40
    /// Connections of each client.
    package var peersMax = 60
    package var announceInterval = Duration.seconds(30)
    package var joinWindow = Duration.seconds(10)
    package var tickLength = Duration.milliseconds(50)
    /// A downloader that needs more than this many times what the slowest needs in the swarm without rude peers has
    /// failed, and at least this time more.
    package var patience = 10.0
    package var patienceMin = Duration.seconds(120)
    /// What the clients are set to.
    package var swarm = Swarm.Configuration()

    package init() {}

    package var rudePeers: Int { Int((rudeShare * Double(peers)).rounded()) }
    package var downloaders: Int { peers - seeds - rudePeers }

    /// The same swarm without its rude peers, or with them.
    func network(isRude: Bool, patience: Duration) -> SwarmOptions {
        var options = SwarmOptions()
        options.seed = seed
        options.downloaders = downloaders
        options.extraSeeds = seeds - 1
        options.rudePeers = isRude ? rudePeers : 0
        options.byteCount = byteCount
        options.pieceLength = pieceLength
        (options.seedRate, options.upRate, options.downRate) = (seedRate, upRate, downRate)
        options.roundTrip = roundTrip
        options.known = named
        options.announceInterval = announceInterval
        options.joinWindow = joinWindow
        options.tickLength = tickLength
        options.patience = patience
        options.swarm = swarm
        options.swarm.peersMax = peersMax
        return options
    }
}
