import Kademlia
import Primitives

/// Which network lives for how long, and what its nodes do meanwhile.
package struct WeekOptions: Sendable {
    package var seed: UInt64 = 1
    package var days = 7
    /// Of a day; shorter ones make a shorter test.
    package var dayLength = Duration.seconds(86_400)
    package var samplesPerDay = 24
    package var population = WeekOptions.ordinary
    package var latency = LatencyModel.internet
    package var faults = FaultRules(lossShare: 0.01)

    /// Somebody announces a fresh infohash, and somebody else looks up one that was announced a while ago.
    package var workInterval = Duration.seconds(20)
    /// The announces that are looked up are not older than so many.
    package var recentCount = 60

    /// Table entries, transactions and the like are compared with their limits at each sample.
    package init() {}

    private static var ordinary: PopulationOptions {
        var population = PopulationOptions()
        population.nodeCount = 1000
        population.sessions = .measured
        population.nat = .measured
        population.hostileShare = 0.02
        population.configuration = Configuration()
        return population
    }
}
