package import Primitives

/// Which addresses can be contacts, and what one source is.
package enum NetworkMode: Hashable, Sendable {
    /// The internet: only global addresses, one node per address, limits counted per address.
    case `public`
    /// A test network on loopback or a LAN: loopback and private addresses as well, limits counted per endpoint,
    /// because many nodes share one address.
    case `private`

    /// Whether a node or peer at `endpoint` may be believed in.
    package func accepts(_ endpoint: Endpoint) -> Bool {
        guard endpoint.port != 0 else { return false }
        switch endpoint.scope {
        case .global: return true
        case .loopback, .privateUse: return self == .private
        case .linkLocal, .unusable: return false
        }
    }

    /// What limits per source count by.
    func source(of endpoint: Endpoint) -> Endpoint {
        self == .public ? endpoint.host : endpoint
    }
}

/// The settings of a node.
///
/// Each default says why; durations may be scaled down together in tests.
package struct Configuration: Sendable {
    package var networkMode = NetworkMode.public

    /// BEP 43: answer nobody and ask others to keep us out of their tables.
    ///
    /// For nodes that cannot be reached.
    package var isReadOnly = false

    /// k of the paper and BEP 5: contacts per bucket, nodes per reply, and how many nodes store an announce.
    package var bucketSize = 8

    /// Verified spares kept per bucket, as many as contacts (libtorrent).
    ///
    /// 0 saves memory in large simulations.
    package var replacementsPerBucket = 8

    /// Queries outstanding among the head of a lookup's list.
    ///
    /// libtorrent and its users have settled on about 5; more finds faster and costs packets to nodes that turn out
    /// not to matter.
    package var alpha = 5

    /// A query silent for this long frees its place in the lookup until enough round trips were measured.
    package var initialStallTimeout = Duration.seconds(1)

    /// A query silent for this long has failed.
    ///
    /// Until then a late answer counts.
    package var queryTimeout = Duration.seconds(12)

    /// A lookup with nothing left to ask waits this long for stalled answers, if fewer than k nodes have answered.
    package var settleTimeout = Duration.seconds(3)

    /// A lookup that nobody answers goes on trying its bootstrap endpoints for this long, and no lookup lasts longer.
    package var lookupLifetime = Duration.seconds(60)

    /// One stale contact is checked this often (libtorrent: 5 s): a table of 120 is seen through in 10 minutes.
    package var upkeepInterval = Duration.seconds(5)

    /// The same while a young table fills up: this often for the first `fillingChecks` checks.
    package var fillingInterval = Duration.seconds(1)
    package var fillingChecks = 32

    /// The least time between two pings of unverified contacts; their answers are what fills the table.
    package var verificationInterval = Duration.milliseconds(200)

    /// A contact that left this many queries in a row unanswered is dropped; a spare replaces it after the second.
    package var failuresTolerated = 3

    /// Pause after a bootstrap that nobody answered, or that left us with fewer than k contacts; it doubles up to the
    /// longest.
    package var bootstrapRetry = Duration.seconds(2)
    package var longestBootstrapRetry = Duration.seconds(60)

    /// Our own id is looked up again after the first of these, then after twice as long and so on up to the second.
    ///
    /// It keeps the neighbourhood complete (mldht: 30 minutes); a young node's neighbours were mostly found by chance.
    package var firstSelfLookupInterval = Duration.seconds(60)
    package var longestSelfLookupInterval = Duration.seconds(30 * 60)

    /// Tokens are valid for one to two of these (BEP 5: 5 and 10 minutes).
    package var tokenRotation = Duration.seconds(5 * 60)

    /// Announced peers are forgotten after this (libtorrent: 1.5 times the usual announce interval).
    package var peerLifetime = Duration.seconds(45 * 60)

    package var limits = Limits()

    package init() {}

    /// The bounds of everything that the network can make grow.
    ///
    /// `Statistics.refused` counts what they turn away.
    package struct Limits: Sendable {
        /// Queries of ours in flight; each is about 100 bytes.
        ///
        /// At most 4,096, the room in a transaction id.
        package var transactionCount = 1024
        package var lookupCount = 256
        /// Candidates that one lookup keeps per family; the farthest unasked one makes room (libtorrent: 100).
        package var candidatesPerLookup = 100
        /// Contacts believed from one reply; honest nodes send 8.
        package var contactsPerReply = 16
        /// Distinct peers reported by one lookup.
        package var peersPerLookup = 2000
        package var bootstrapEndpointCount = 64
        /// Unverified contacts waiting to be pinged.
        package var unverifiedContactCount = 64
        /// Infohashes with announced peers (libtorrent: 2,000).
        package var infoHashCount = 2000
        /// Peers per infohash and family (libtorrent: 500).
        package var peersPerInfoHash = 500
        /// Peers of one infohash from one address, in public mode.
        package var peersPerAddress = 8
        /// The longest packet that we send: BEP 32 promises every node can take it.
        package var replyByteCount = 1024
        /// Queries per second that one source may send for long, nil to lift the limit, and how many at once.
        package var queriesPerSecondPerSource: Int? = 10
        package var queryBurstPerSource = 60
        /// Sources that are told apart, 16 bytes each.
        package var trackedSourceCount = 65536

        package init() {}
    }
}
