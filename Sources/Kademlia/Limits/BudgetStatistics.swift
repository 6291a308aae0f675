/// How the budgets stand, and what they turned away; all zero or nil while every limit is lifted.
package struct BudgetStatistics: Equatable, Sendable {
    /// Refusals of queries of ours, by what was used up.
    package struct Paused: Equatable, Sendable {
        package var queries = 0
        package var newEndpoints = 0
        package var flows = 0
        /// The same refusals by what they were for.
        package var lookups = 0
        package var ownLookups = 0
        package var upkeep = 0
        package var verifications = 0

        package var total: Int { queries + newEndpoints + flows }

        package init() {}
    }

    // MARK: Queries

    /// Queries that could be sent at once, nil when not limited.
    package var queriesLeft: Int?
    package var newEndpointsLeft: Int?
    /// Packets sent per second, answers included, over the last whole ten seconds.
    package var packetsPerSecond = 0.0
    /// Endpoints per second that had not been talked to lately, those answered included.
    package var newEndpointsPerSecond = 0.0
    package var liveFlows = 0
    /// Those of the live flows whose first packet was ours.
    package var openedFlows = 0
    package var paused = Paused()

    // MARK: Answers

    package var answerBytesLeft: Int?
    /// Bytes left for all who have not proved their address.
    package var unprovenBytesLeft: Int?
    package var trackedNetworks = 0
    /// Queries over the limit of their network.
    package var networkRate = 0
    /// Queries unanswered because all answers together were too many bytes.
    package var answerBytes = 0
    /// Answers with fewer peers or no nodes, to keep within what the asker may be sent.
    package var shortened = 0
    /// Queries unanswered because not even a short answer was within that.
    package var unproven = 0
    /// Addresses proved by an answer or a token.
    package var proofs = 0

    package init() {}
}
