/// What the node may cost others: those who ask it, those it asks, and the router on the way.
///
/// Nil lifts a limit, and what is not limited is not counted either and takes no memory.
package struct Budgets: Hashable, Sendable {
    // MARK: Answers

    /// Queries per second that one source may send for long, and how many at once (mldht: 2 and 10; BEP 51 crawlers and
    /// nodes behind one carrier's address need more).
    ///
    /// A source is an address in public networks, an endpoint in private ones. What comes on top is dropped without a
    /// word; nobody is blocked for it, because a flood can carry anybody's address.
    package var queriesPerSecondPerSource: Int? = 10
    package var queryBurstPerSource = 60

    /// The same for the sources of one network, a /24 or a /56, that have not proved their address; public networks
    /// only.
    package var queriesPerSecondPerNetwork: Int? = 100
    package var queryBurstPerNetwork = 600

    /// How much longer than the queries of a source the answers to it may be, as long as it has not proved its address:
    /// whoever sends under the address of a victim multiplies his bytes by no more than this.
    ///
    /// Ours to find_node are 3.1 times the query, to get_peers with 100 peers 11.7 times; 4 leaves all nodes and some
    /// peers in them.
    package var answerBytesPerQueryByte: Int? = 4

    /// Bytes of answers on top of that: for a source, for its network, and for everybody together.
    ///
    /// Three full answers let an honest stranger have what it came for. The third bounds a flood from addresses so many
    /// that they cannot all be remembered.
    package var answerBurstPerSource = 4096
    package var answerBurstPerNetwork = 4096
    package var answerBurstInTotal = 65536

    /// A source that answered a query of ours or used a token has proved its address for so long.
    ///
    /// As long as BEP 5 holds a node for good.
    package var proofLifetime = Duration.seconds(15 * 60)

    /// A source that is silent for this long has all of its burst again.
    package var sourceMemory = Duration.seconds(5 * 60)

    /// Bytes of all answers per second, and as many at once; errors to malformed packets get the upper half only
    /// (libtorrent: 8,000).
    package var answerBytesPerSecond: Int? = 64_000

    /// Sources and networks that are told apart, 24 bytes each.
    package var trackedSourceCount = 65536
    package var trackedNetworkCount = 16384

    // MARK: Queries

    /// Queries sent per second, and as many at once (anacrolix/dht, rqbit: 250).
    package var queriesPerSecond: Int? = 250

    /// Endpoints per second that were not talked to lately, and as many at once: each is an entry in the tables of the
    /// router, and many routers slow down at more than 100 per second (qBittorrent #18713).
    package var newEndpointsPerSecond: Int? = 100

    /// Endpoints talked to during `flowLifetime`; answered ones count as well, but leave us half of the room.
    ///
    /// Cheap routers have room for 1,000 to 8,000 entries, and keep one for 30 s (one packet) to 120 s or longer
    /// (answered). Half of all nodes never answer, so 2,000 of these are about 1,000 entries at a time.
    package var liveFlowCount: Int? = 2000
    package var flowLifetime = Duration.seconds(120)

    package init() {}

    var limitsAnswers: Bool {
        queriesPerSecondPerSource != nil || queriesPerSecondPerNetwork != nil || answerBytesPerQueryByte != nil
            || answerBytesPerSecond != nil
    }

    var limitsQueries: Bool { queriesPerSecond != nil || newEndpointsPerSecond != nil || liveFlowCount != nil }
}

// MARK: - Presets

extension Budgets {
    /// What `--limits` offers.
    package enum Preset: String, CaseIterable, Sendable {
        /// For weak routers and metered lines: lookups take some seconds longer.
        case low
        /// For a home: a lookup asks 30 to 60 nodes, so a few run at the same time unhindered.
        case `default`
        /// For a server with an address of its own.
        case high
        /// Nothing is limited: trusted networks and measurements only.
        case off
    }

    package init(preset: Preset) {
        switch preset {
        case .low:
            // 300 flows are a third of the smallest router table that users report; libtorrent's bytes for answers.
            queriesPerSecond = 50
            newEndpointsPerSecond = 20
            liveFlowCount = 300
            answerBytesPerSecond = 8000
        case .default: break
        case .high:
            // No router, but a firewall of its own: netfilter tracks 65,536 entries and more by default.
            queriesPerSecond = 2000
            newEndpointsPerSecond = 1000
            liveFlowCount = 30_000
            answerBytesPerSecond = 1_000_000
        case .off:
            queriesPerSecondPerSource = nil
            queriesPerSecondPerNetwork = nil
            answerBytesPerQueryByte = nil
            answerBytesPerSecond = nil
            queriesPerSecond = nil
            newEndpointsPerSecond = nil
            liveFlowCount = nil
        }
    }
}
