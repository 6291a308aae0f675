import Primitives

/// What came of a simulation; equal for equal options, wherever it ran.
package struct SimulationReport: Equatable, Sendable {
    /// How the times or counts of many lookups are spread.
    package struct Spread: Equatable, Sendable {
        package var smallest = 0.0
        package var p10 = 0.0
        package var median = 0.0
        package var p90 = 0.0
        package var p99 = 0.0
        package var largest = 0.0

        init(_ samples: [Double]) {
            guard !samples.isEmpty else { return }
            let sorted = samples.sorted()
            let at = { (share: Double) in sorted[min(Int(share * Double(sorted.count)), sorted.count - 1)] }
            (smallest, p10, median) = (sorted[0], at(0.1), at(0.5))
            (p90, p99, largest) = (at(0.9), at(0.99), sorted[sorted.count - 1])
        }
    }

    package var nodeCount = 0
    /// Virtual time from the first join to the end.
    package var duration = Duration.zero
    package var traffic = VirtualNetwork.Traffic()
    /// Nodes that found somebody to know, the first one not counted.
    package var nodesBootstrapped = 0
    /// Verified contacts in the tables of the living.
    package var contactsPerNode = Spread([])

    package var announces = 0
    /// Announces that at least one node confirmed.
    package var announcesStored = 0
    package var lookups = 0
    /// Lookups that found the announced peer.
    package var lookupsSucceeded = 0
    /// Lookups whose nearest node is the nearest of all living ones.
    package var lookupsClosestFound = 0
    /// Seconds until the announced peer was found, of those that found it.
    package var firstValueSeconds = Spread([])
    /// Seconds until the lookup ended with the closest nodes.
    package var finishSeconds = Spread([])
    /// Nodes asked by one lookup.
    package var queriesPerLookup = Spread([])

    package var digest: UInt64 = 0

    package var successShare: Double { lookups == 0 ? 0 : Double(lookupsSucceeded) / Double(lookups) }
    package var closestFoundShare: Double { lookups == 0 ? 0 : Double(lookupsClosestFound) / Double(lookups) }

    init() {}
}
