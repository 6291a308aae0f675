/// Whom a routing table keeps, and what is done to keep it true.
///
/// The defaults are ours; `classic` and `libtorrentLike` are what other nodes of the network do, for comparison in
/// the simulator.
package struct TableRules: Hashable, Sendable {
    package enum Admission: Hashable, Sendable {
        /// Only nodes that have answered a query of ours: nobody gets in by claiming an address.
        case verified
        /// Whoever sends us a query, as BEP 5 allows: reachable or not.
        case heard
    }

    package enum Upkeep: Hashable, Sendable {
        /// The one contact that was silent for the longest is checked each time (after pymdht and libtorrent).
        case stalest(every: Duration)
        /// A contact of each bucket is asked for nodes of that bucket once in the interval (BEP 5: 15 minutes).
        case bucketRefresh(every: Duration)
    }

    /// Room of the buckets farthest from us, where `Configuration.bucketSize` is not enough.
    ///
    /// Half of all lookups start in the first bucket: with 128 contacts there, of different next bits, their first hop
    /// gains seven bits and not three (libtorrent: 128, 64, 32, 16). Empty is the flat table of the paper.
    package var lowBucketSizes = [128, 64, 32, 16]

    /// Verified spares kept for each bucket, as many as contacts (libtorrent).
    ///
    /// 0 saves memory in large simulations.
    package var replacementsPerBucket = 8

    package var admission = Admission.verified

    /// A full bucket gives the place of its slowest contact to one that is faster by a quarter.
    package var ranksByRoundTrip = true

    /// A full bucket gives a place to a contact whose next bits no other has, so that each hop gains more bits.
    package var spreadsPrefixes = true

    /// An id that its address does not allow (BEP 42) gives way to one that is allowed, and never the other way round.
    package var prefersSecureIDs = true

    package var upkeep = Upkeep.stalest(every: .seconds(5))

    /// The time between two checks while a young table fills up, for the first `fillingChecks` of them.
    package var fillingInterval = Duration.seconds(1)
    package var fillingChecks = 32

    /// The least time between two pings of unverified contacts; their answers are what fills the table.
    package var verificationInterval = Duration.milliseconds(200)

    /// A contact that left this many queries in a row unanswered is dropped, at most 7; a spare replaces it after the
    /// second.
    package var failuresTolerated = 3

    /// Contacts from one /24 (IPv4) or /56 (IPv6) in one bucket, and in the table, in public mode.
    ///
    /// Who owns a network may have many addresses in it, but not many places with us (libtorrent: one per bucket).
    package var contactsPerPrefixInBucket = 1
    package var contactsPerPrefix = 4

    package init() {}

    /// The table of BEP 5 as it was written.
    package static var classic: TableRules {
        var rules = TableRules()
        rules.lowBucketSizes = []
        rules.replacementsPerBucket = 0
        rules.admission = .heard
        rules.ranksByRoundTrip = false
        rules.spreadsPrefixes = false
        rules.prefersSecureIDs = false
        rules.upkeep = .bucketRefresh(every: .seconds(15 * 60))
        return rules
    }

    /// A table like libtorrent's, from its documentation and source.
    package static var libtorrentLike: TableRules {
        var rules = TableRules()
        rules.prefersSecureIDs = true
        rules.failuresTolerated = 7
        // One contact every five seconds is all that it pings, those it has only heard about among them.
        rules.fillingChecks = 0
        rules.verificationInterval = .seconds(5)
        return rules
    }
}
