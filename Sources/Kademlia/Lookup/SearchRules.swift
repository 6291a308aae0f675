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
    }

    package enum Stall: Hashable, Sendable {
        /// A query frees its place after this.
        case fixed(Duration)
        /// After what nine of ten round trips took lately, or `initial` until enough of them were measured (mldht).
        case adaptive(initial: Duration)
    }

    /// libtorrent and its users have settled on about 5 at the head; more finds faster and costs packets to nodes that
    /// turn out not to matter.
    package var concurrency = Concurrency.head(5)

    package var stall = Stall.adaptive(initial: .seconds(1))

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

    package init() {}

    /// BEP 5 and the paper as they were written: alpha 3, a fixed timeout of two seconds.
    package static var classic: SearchRules {
        var rules = SearchRules()
        rules.concurrency = .total(3)
        rules.stall = .fixed(.seconds(2))
        rules.queryTimeout = .seconds(2)
        rules.attempts = 1
        return rules
    }

    /// Searches like libtorrent's, from its documentation and source: 5 at the head, a short timeout of one second,
    /// a long one of fifteen.
    package static var libtorrentLike: SearchRules {
        var rules = SearchRules()
        rules.stall = .fixed(.seconds(1))
        rules.queryTimeout = .seconds(15)
        rules.attempts = 1
        rules.settleTimeout = .seconds(15)
        return rules
    }
}
