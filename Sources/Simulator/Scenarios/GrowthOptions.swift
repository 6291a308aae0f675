/// The same network in several sizes.
package struct GrowthOptions: Sendable {
    /// Ascending.
    package var sizes = [1000, 10_000, 100_000, 1_000_000]
    /// Of one size; the number of nodes, and nothing else, is changed.
    package var base = GrowthOptions.standard

    package init() {}

    /// The options of the network of one size.
    package func options(size: Int) -> SimulationOptions {
        var options = base
        options.population.nodeCount = size
        return options
    }

    /// Twenty minutes of measured churn, in the second half of which ten thousand lookups are made.
    private static var standard: SimulationOptions {
        var options = SimulationOptions()
        options.population.configuration = NodeConfiguration.compact.configuration
        options.population.sessions = .measured
        options.population.shortestJoinInterval = .microseconds(200)
        options.latency = .internet
        options.askersPerPolicy = 64
        options.warmUp = .seconds(10 * 60)
        options.lookupCount = 10_000
        options.lookupInterval = .milliseconds(60)
        return options
    }
}
