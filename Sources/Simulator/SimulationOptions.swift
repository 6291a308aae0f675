package import Kademlia
import Primitives

/// What network to build, and what to do in it.
package struct SimulationOptions: Sendable {
    package var seed: UInt64 = 1
    package var nodeCount = 1000

    /// Earlier nodes that each node is told of.
    ///
    /// With one, and loss, a network can be born in two halves.
    package var bootstrapCount = 3

    /// How fast the network grows, as a share of its size per second of virtual time.
    ///
    /// Those who join at the same moment do not see each other, so a network that grows by several per cent in a
    /// round trip is a poor one (spike: 5% per millisecond lost half of all lookups; 0.1% lost one in fifty).
    package var growthPerSecond = 0.25

    /// The least time between two joins while the network is small, about a round trip.
    package var shortestJoinInterval = Duration.milliseconds(5)
    package var longestJoinInterval = Duration.milliseconds(250)

    /// Rest between the last join and the first announce.
    package var settling = Duration.seconds(30)

    /// Fresh infohashes, each announced by one random node and then looked up by another.
    package var lookupCount = 200
    package var lookupInterval = Duration.milliseconds(100)

    /// A lookup that has found nothing by then has failed.
    package var patience = Duration.seconds(60)

    /// Nodes that fall silent after settling, as a share of all: their contacts stay in the tables of others.
    package var deadShare = 0.0

    package var latency = LatencyModel.uniform(.milliseconds(15)...(.milliseconds(85)))
    package var lossShare = 0.0
    package var configuration = SimulationOptions.nodeConfiguration

    package init() {}

    /// The node as in production, but for what bounds others at the cost of memory.
    package static var nodeConfiguration: Configuration {
        var configuration = Configuration()
        configuration.budgets = Budgets(preset: .off)
        return configuration
    }
}
