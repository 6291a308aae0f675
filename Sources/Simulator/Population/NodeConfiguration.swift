package import Kademlia

/// How the nodes of a simulation are configured, before their policies.
package enum NodeConfiguration: String, CaseIterable, Hashable, Sendable {
    /// As in production, but without the budgets that protect others and take memory.
    case standard
    /// As small as a node can be that still does all that a node does: for the largest networks.
    ///
    /// Flat buckets of 8 and no spares, no memory of lookups and failures, and slower upkeep. Stores and the storage of
    /// queries and lookups grow when they are used and are given back afterwards, as in every node.
    case compact

    package var configuration: Configuration {
        var configuration = Configuration()
        configuration.budgets = Budgets(preset: .off)
        guard self == .compact else { return configuration }
        configuration.bucketSize = 8
        configuration.table.lowBucketSizes = []
        configuration.table.replacementsPerBucket = 0
        // A check costs two packets and a timer of each node: with 5 seconds they would be most of all events.
        configuration.table.upkeep = .stalest(every: .seconds(120))
        configuration.table.fillingChecks = 4
        configuration.firstSelfLookupInterval = .seconds(5 * 60)
        configuration.search.cachedLookupCount = 0
        configuration.search.rememberedFailureCount = 0
        configuration.limits.unverifiedContactCount = 8
        configuration.limits.candidatesPerLookup = 48
        return configuration
    }
}
