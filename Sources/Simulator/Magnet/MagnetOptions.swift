import Kademlia
import Primitives
package import Swarm

/// Which magnets are handed to whom, in what network.
package struct MagnetOptions: Sendable {
    package var seed: UInt64 = 1
    /// Each of its own infohash, with its own peers.
    package var magnets = 200
    /// Virtual time between two magnets.
    package var interval = Duration.seconds(2)
    /// A magnet without metadata by then has failed.
    package var patience = Duration.seconds(60)

    /// Warm clients, which joined with the others; each has one magnet at a time.
    package var askers = 16
    /// Each magnet is handed to a client that has just started, and knows a few nodes to enter by.
    package var isCold = false

    /// Endpoints that have announced an infohash when its magnet is handed out.
    package var peers = 200
    /// Of these: nobody is there any more.
    package var deadShare = 0.8
    /// Of the dead: their machine is on and refuses calls at once; others leave them unanswered.
    package var refusingShare = 0.15
    /// Of the living: they have come by a magnet themselves, and have no metadata yet.
    package var emptyShare = 0.1
    /// Of the living: they advertise a length of the metadata that is wrong.
    package var liarShare = 0.05
    /// Of the living: their uplink is slow.
    package var slowShare = 0.1

    /// Bytes; each torrent's is drawn evenly.
    package var metadataBytes = 30_000...200_000
    /// Bytes a second from one living peer, drawn for each so that every magnitude is as likely.
    package var uplink = 100e3...2e6
    package var slowUplink = 20e3

    package var population = MagnetOptions.ordinary
    /// Nodes that fall silent just before the first magnet, as a share of all.
    package var deadNodeShare = 0.0
    /// Between the last join and the first magnet, with churn.
    package var warmUp = Duration.seconds(10 * 60)
    /// Round trips of 20 to 300 ms.
    package var latency = LatencyModel.uniform(.milliseconds(10)...(.milliseconds(150)))
    /// Of packets of the DHT and of connections.
    package var faults = FaultRules(lossShare: 0.01)
    /// What the clients that ask are set to.
    package var swarm = Swarm.Configuration()

    package init() {}

    /// The kinds of nodes of the network of the proof, fewer of them.
    private static var ordinary: PopulationOptions {
        var population = SimulationOptions.mainline.population
        population.nodeCount = 2_000
        return population
    }
}
