package import Kademlia
package import Primitives

/// What a checker has to know of a node at one moment: a value of its own, so that a test can make a wrong one.
package struct NodeFacts: Equatable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var id: NodeID
        package var endpoint: EndpointV4

        package init(id: NodeID, endpoint: EndpointV4) {
            (self.id, self.endpoint) = (id, endpoint)
        }
    }

    /// A count and what it may not exceed.
    package struct Count: Equatable, Sendable {
        package var name: String
        package var value: Int
        package var limit: Int

        package init(_ name: String, _ value: Int, limit: Int) {
            (self.name, self.value, self.limit) = (name, value, limit)
        }
    }

    package var ownID: NodeID
    /// Of the IPv4 table, by bucket.
    package var entries: [Entry]
    package var bucketCount: Int
    package var bucketSize: Int
    package var rules: TableRules
    package var isPublic: Bool
    package var counts: [Count]

    package init(_ node: borrowing Node) {
        let configuration = node.configuration
        let statistics = node.statistics
        let limits = configuration.limits
        ownID = node.homes[0].id
        entries = node.homes[0].tableV4.contacts.map { Entry(id: $0.id, endpoint: $0.address) }
        bucketCount = node.homes[0].tableV4.bucketCount
        bucketSize = configuration.bucketSize
        rules = configuration.table
        isPublic = configuration.networkMode == .public
        counts = [
            Count("transactions", statistics.transactionsInFlight, limit: limits.transactionCount),
            Count("lookups", statistics.lookupsRunning, limit: limits.lookupCount),
            // One that could not be paid for goes back to the front of the queue.
            Count("unverified contacts", statistics.unverifiedContacts, limit: limits.unverifiedContactCount + 1),
            Count("infohashes", statistics.infoHashes, limit: limits.infoHashCount),
            Count(
                "peers", statistics.peersStored, limit: min(statistics.infoHashes, limits.infoHashCount)
                    * limits.peersPerInfoHash * 2),
            Count("items", statistics.items, limit: limits.itemCount),
            Count("publications", statistics.publications, limit: limits.publicationCount),
            Count("cached lookups", statistics.search.cachedLookups, limit: configuration.search.cachedLookupCount),
            Count("sources", statistics.trackedSources, limit: max(4, configuration.budgets.trackedSourceCount)),
            Count(
                "spares", statistics.replacements,
                limit: configuration.table.replacementsPerBucket * node.homes[0].bucketCount),
        ]
    }
}
