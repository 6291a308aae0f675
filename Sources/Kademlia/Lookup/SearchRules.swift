/// How lookups search: what is asked at the same time, when somebody else is asked instead, and when it is over.
///
/// The defaults are ours; `classic` and `libtorrentLike` are what other nodes of the network do, for comparison in
/// the simulator.
package struct SearchRules: Hashable, Sendable {
    package enum Concurrency: Hashable, Sendable {
        /// So many queries outstanding in all (alpha of the paper).
        case total(Int)
        /// So many outstanding among the head of the list, up to the k-th node that has answered (libtorrent).
        case head(Int)
        /// So many *answers* expected from those outstanding among the head: a contact that answered us lately counts
        /// nearly one, hearsay as much as hearsay has been worth to us.
        ///
        /// `narrowing` fewer are allowed for each of the k nearest that has answered, and never more than are missing:
        /// on the way a quick answer saves a hop, but at the end each query too many is a packet for nothing.
        case expected(Double, narrowing: Double)
    }

    package enum Stall: Hashable, Sendable {
        /// A query frees its place after this.
        case fixed(Duration)
        /// After what the share `stallQuantile` of the round trips of strangers took lately, or `initial` until enough
        /// of them were measured (mldht).
        case adaptive(initial: Duration)
    }

    package enum FloodGuard: Hashable, Sendable {
        case off
        /// While less than one of so many that were asked has answered, `queries` are outstanding at most.
        ///
        /// Silence is the network's fault then, and more packets would make it worse (mldht: one of three).
        case answered(oneOf: Int, queries: Int)
    }

    package enum StoreSet: Hashable, Sendable {
        /// The k nearest (BEP 5).
        case nearest
        /// All out to where the k-th node of a network of the estimated size is expected, and until the usual number of
        /// networks is among them; at least k, and at most `storeLimit` (after pubky/mainline).
        ///
        /// Nodes that squeeze in between the target and its honest neighbours win nothing by it.
        case region
    }

    /// Five hearsay contacts of which half are dead, or three good ones, and about two near the end.
    ///
    /// Tuned in the network of the proof (docs/simulator.md): wider is faster and costs packets.
    package var concurrency = Concurrency.expected(2.2, narrowing: 0.2)

    package var stall = Stall.adaptive(initial: .seconds(1))
    package var stallQuantile = 0.7

    /// A contact whose round trip we know stalls after twice that and a little, if that is sooner.
    package var stallsByContact = true

    /// Where half of all contacts are dead, one in eight answers only if the network is in trouble; one in four would
    /// slow down the unlucky.
    package var floodGuard = FloodGuard.answered(oneOf: 8, queries: 2)

    /// Among candidates about equally near, those that answered us come first, then those that several others named.
    package var prefersLikely = true

    /// Among the k nearest, if they are about as near as the k nearest of the network should be, those that answered us
    /// fastest come first: any of them should know what is looked for.
    package var prefersFast = true

    /// A query silent for this long has failed.
    ///
    /// Until then a late answer counts.
    package var queryTimeout = Duration.seconds(12)

    /// How often a silent candidate is asked, if there is nobody better to ask.
    package var attempts = 2

    /// A lookup with nothing left to ask waits this long for stalled answers, if fewer than k nodes have answered.
    package var settleTimeout = Duration.seconds(3)

    /// A lookup that nobody answers goes on trying its bootstrap endpoints for this long, and no lookup lasts longer.
    package var lifetime = Duration.seconds(60)

    /// In public mode, nodes whose address does not allow their id (BEP 42) do not end a lookup that looks besieged,
    /// and get no more than half of a full list.
    package var prefersSecureIDs = true

    package var storeSet = StoreSet.region

    /// The most nodes that one announce is stored with, and that answer to a lookup that looks besieged before it gives
    /// up looking for honest ones.
    ///
    /// Each is a packet; 8 would do among the honest.
    package var storeLimit = 24

    /// Lookups whose closest nodes are remembered, so that the next one for the target starts where they ended.
    ///
    /// About half a kilobyte each; 0 remembers none.
    package var cachedLookupCount = 128
    package var cacheLifetime = Duration.seconds(30 * 60)

    /// Endpoints that were silent lately and that lookups pass over, 8 bytes each; 0 remembers none.
    package var rememberedFailureCount = 256
    package var failureLifetime = Duration.seconds(5 * 60)

    /// Candidates of one lookup from one /24 (IPv4) or /56 (IPv6), in public mode (libtorrent: 1).
    package var candidatesPerPrefix = 2

    package init() {}

    /// BEP 5 and the paper as they were written: alpha 3, a fixed timeout of two seconds.
    package static var classic: SearchRules {
        var rules = libtorrentLike
        rules.concurrency = .total(3)
        rules.stall = .fixed(.seconds(2))
        rules.queryTimeout = .seconds(2)
        rules.settleTimeout = .seconds(3)
        rules.candidatesPerPrefix = .max
        return rules
    }

    /// Searches like libtorrent's, from its documentation and source: 5 at the head, a short timeout of one second,
    /// a long one of fifteen.
    package static var libtorrentLike: SearchRules {
        var rules = SearchRules()
        rules.concurrency = .head(5)
        rules.stall = .fixed(.seconds(1))
        rules.stallsByContact = false
        rules.floodGuard = .off
        rules.prefersLikely = false
        rules.prefersFast = false
        rules.queryTimeout = .seconds(15)
        rules.attempts = 1
        rules.settleTimeout = .seconds(15)
        rules.prefersSecureIDs = false
        rules.storeSet = .nearest
        rules.cachedLookupCount = 0
        rules.rememberedFailureCount = 0
        rules.candidatesPerPrefix = 1
        return rules
    }
}
