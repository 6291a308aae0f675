import Kademlia
import Primitives

/// What network to build, and what to look up in it.
package struct SimulationOptions: Sendable {
    package var seed: UInt64 = 1
    package var population = PopulationOptions()

    /// Nodes that ask, of each policy: they join with the others, are open and stay.
    package var askersPerPolicy = 16
    /// Whose askers look up, side by side, what was announced.
    package var policies: [Policy] = [.ours]

    /// Time between the last join and the first announce, with churn if there is any.
    package var warmUp = Duration.seconds(30)

    /// Fresh infohashes, each announced by one random node and then looked up by one asker of each policy.
    package var lookupCount = 200
    package var lookupInterval = Duration.milliseconds(100)

    /// A lookup that has found nothing by then has failed.
    package var patience = Duration.seconds(60)

    /// Nodes that fall silent just before the lookups, as a share of all: their contacts stay in the tables of others.
    package var deadShare = 0.0

    package var latency = LatencyModel.uniform(.milliseconds(15)...(.milliseconds(85)))
    package var faults = FaultRules()

    package init() {}

    /// The network of the proof: what Mainline is known to be, and worse.
    ///
    /// Shares of clients and of hostile nodes have no published source. A third of all nodes is well connected (Jimenez
    /// and others, P2P 2009), and so many keep the tables of BEP 5 that about half of the contacts handed out are dead.
    package static var mainline: SimulationOptions {
        var options = SimulationOptions()
        options.population.nodeCount = 10_000
        options.population.classicShare = 0.75
        options.population.libtorrentLikeShare = 0.15
        options.population.nat = .measured.scaled(to: 0.69)
        options.population.sessions = .measured
        options.population.hostileShare = 0.02
        options.population.insecureIDShare = 0.3
        options.population.refusesNewVerbsShare = 0.15
        options.population.ignoresNewVerbsShare = 0.15
        options.population.noTokenShare = 0.02
        options.population.readOnlyShare = 0.02
        options.policies = [.classic, .libtorrentLike, .ours]
        options.askersPerPolicy = 32
        options.warmUp = .seconds(30 * 60)
        options.lookupCount = 1000
        // Slow enough that askers of every policy are free again in time.
        options.lookupInterval = .milliseconds(400)
        options.latency = .internet
        options.faults.lossShare = 0.1
        return options
    }
}
