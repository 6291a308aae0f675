/// What a node has done so far and how it stands: counters only ever grow.
package struct Statistics: Equatable, Sendable {
    package struct Verbs: Equatable, Sendable {
        package var ping = 0
        package var findNode = 0
        package var getPeers = 0
        package var announcePeer = 0
        package var get = 0
        package var put = 0
        package var sampleInfoHashes = 0
        package var unknown = 0

        package var total: Int {
            ping + findNode + getPeers + announcePeer + get + put + sampleInfoHashes + unknown
        }

        package init() {}
    }

    /// What was turned away, by reason.
    package struct Refusals: Equatable, Sendable {
        /// Packets that are no KRPC message.
        package var malformed = 0
        /// Packets of the other address family, from port 0, or from our own address.
        package var impossibleSource = 0
        /// Queries over the limit of their source.
        package var rateLimited = 0
        /// Queries left unanswered because we are read-only.
        package var readOnly = 0
        /// Messages that carry our own id: reflectors, or our own packets come back.
        package var ownID = 0
        /// Responses that answer nothing we asked, or come from elsewhere than we asked.
        package var unknownTransaction = 0
        /// Answers under another id than the one we asked.
        package var unexpectedID = 0
        /// Announces with a token that we did not give to this asker for this infohash.
        package var badToken = 0
        /// Announces of an address or port where no peer of this network can be.
        package var badPort = 0
        /// Contacts of a forbidden scope, with port 0, or over the number believed from one reply.
        package var contacts = 0
        /// Verified contacts that found their bucket full, or their address taken.
        package var tableEntries = 0
        /// Unverified contacts that found the queue full.
        package var unverifiedContacts = 0
        /// Queries that found all transactions in use.
        package var transactions = 0
        /// Lookups over the limit, or under an id that is in use.
        package var lookups = 0
        package var candidates = 0
        /// Peers reported to a lookup that are unusable, or over its limit.
        package var peers = 0
        /// Announces turned away because the peers of that infohash from that address are too many.
        package var announces = 0
        /// Infohashes forgotten to make room for others.
        package var evictedInfoHashes = 0
        /// Peers forgotten to make room for others.
        package var evictedPeers = 0
        package var bootstrapEndpoints = 0
        /// Items forgotten to make room for others.
        package var evictedItems = 0
        /// Items that were not stored: a bad signature, or older than what is there.
        package var badItems = 0
        /// Items that came when too many signatures had to be verified.
        package var signatureChecks = 0
        /// Items of our own over the limit of those that are kept up.
        package var publications = 0
        /// Infohashes that found no room in a sample.
        package var unsampledInfoHashes = 0
        /// Nodes not asked for a sample, since theirs was not to change yet; and those forgotten meanwhile.
        package var earlySamples = 0
        package var forgottenSamples = 0
        /// Sources whose query count was forgotten to make room for others.
        package var forgottenSources = 0

        package init() {}
    }

    package var queriesReceived = Verbs()
    package var queriesSent = Verbs()
    /// Our queries that were answered, by verb.
    package var answersReceived = Verbs()
    package var answersSent = 0
    package var errorsReceived = 0
    package var errorsSent = 0
    /// Queries that were silent for the stall timeout, and those silent for the whole of theirs.
    package var stalls = 0
    package var timeouts = 0
    package var refused = Refusals()
    /// In 8 bytes while there are none, since each node of a simulation has these counters.
    package var budgets: BudgetStatistics {
        get { boxedBudgets.isEmpty ? BudgetStatistics() : boxedBudgets.value }
        set { boxedBudgets = Boxed(newValue) }
    }

    private var boxedBudgets = Boxed<BudgetStatistics>()

    /// Verified contacts in all tables of the family.
    package var contactsV4 = 0
    package var contactsV6 = 0
    package var replacements = 0
    package var table = TableCounters()
    package var search = SearchStatistics()
    package var transactionsInFlight = 0
    package var lookupsRunning = 0
    package var unverifiedContacts = 0
    package var infoHashes = 0
    package var peersStored = 0
    /// Of others, stored with us (BEP 44).
    package var items = 0
    /// Our own, kept up by us.
    package var publications = 0
    package var trackedSources = 0
    /// The stall timeout in force, from the round trips measured.
    package var stallTimeout = Duration.zero

    package init() {}
}
