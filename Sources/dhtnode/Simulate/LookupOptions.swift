import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// What is looked up, and by how many; whatever is not given is as the preset has it.
struct LookupOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Fresh infohashes, each looked up by one asker of each policy.", valueName: "n"))
    var lookups: Int?

    @Option(help: ArgumentHelp("Virtual time between two announces.", valueName: "ms"))
    var lookupInterval: Int?

    @Option(help: ArgumentHelp("A lookup that has found nothing by then has failed.", valueName: "seconds"))
    var patience: Seconds?

    @Option(help: ArgumentHelp("Askers of each policy.", valueName: "n"))
    var askers: Int?

    func validate() throws {
        if let lookups, !(1...1_000_000).contains(lookups) {
            throw ValidationError("--lookups must be 1 to 1000000.")
        }
        if let lookupInterval, !(1...60_000).contains(lookupInterval) {
            throw ValidationError("--lookup-interval must be 1 to 60000.")
        }
        if let askers, !(1...10_000).contains(askers) { throw ValidationError("--askers must be 1 to 10000.") }
    }

    /// Changes what was given.
    func apply(to options: inout SimulationOptions) {
        if let lookups { options.lookupCount = lookups }
        if let lookupInterval { options.lookupInterval = .milliseconds(lookupInterval) }
        if let patience { options.patience = patience.duration }
        if let askers { options.askersPerPolicy = askers }
    }

    static func check(_ options: SimulationOptions) throws {
        guard options.askersPerPolicy * options.policies.count < options.population.nodeCount else {
            throw ValidationError("there are more askers than nodes: fewer --askers, or more nodes.")
        }
    }
}
