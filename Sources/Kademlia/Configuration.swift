package import Primitives

/// Which addresses can be contacts, and what one source is.
package enum NetworkMode: Hashable, Sendable {
    /// The internet: only global addresses, one node per address, limits counted per address.
    case `public`
    /// A test network on loopback or a LAN: loopback and private addresses as well, limits counted per endpoint,
    /// because many nodes share one address.
    case `private`

    /// Whether a node or peer at `endpoint` may be believed in.
    ///
    /// On the internet not on a port below 1,024: whoever names one there wants us to bother a service that is no node.
    package func accepts(_ endpoint: Endpoint) -> Bool {
        guard endpoint.port >= (self == .public ? 1024 : 1) else { return false }
        switch endpoint.scope {
        case .global: return true
        case .loopback, .privateUse: return self == .private
        case .linkLocal, .unusable: return false
        }
    }

    /// What votes count by, one for each.
    func source(of endpoint: Endpoint) -> Endpoint {
        self == .public ? endpoint.host : endpoint
    }
}

/// The settings of a node.
///
/// Each default says why; durations may be scaled down together in tests. Most of a copy is shared, since a million
/// simulated nodes have the same settings.
package struct Configuration: Sendable {
    package var networkMode = NetworkMode.public

    /// BEP 43: answer nobody and ask others to keep us out of their tables.
    ///
    /// For nodes that cannot be reached.
    package var isReadOnly = false

    /// k of the paper and BEP 5: contacts per bucket, nodes per reply, and how many nodes store an announce.
    package var bucketSize = 8

    /// BEP 42: takes another id when most of those who answer see us at an address that does not allow ours.
    ///
    /// Off, the node behaves like one older than BEP 42, which the simulator has among its neighbours.
    package var followsExternalAddress = true

    @Shared package var table = TableRules()
    @Shared package var search = SearchRules()
    @Shared package var budgets = Budgets()

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

    /// Off, any token opens the store: only for showing, in the simulator, what tokens are good for.
    package var checksTokens = true

    /// Off, a full store makes room at random and nobody has a share of it: only for showing, in the simulator, what
    /// shares are good for.
    package var sharesStores = true

    /// Announced peers are forgotten after this (libtorrent: 1.5 times the usual announce interval).
    package var peerLifetime = Duration.seconds(45 * 60)

    /// Items that others stored with us are forgotten after this, unless they are stored again (BEP 44: 2 hours).
    package var itemLifetime = Duration.seconds(2 * 60 * 60)

    /// Items of our own are stored again after this (BEP 44: every hour).
    package var republishInterval = Duration.seconds(60 * 60)

    /// How long `sample_infohashes` gives the same sample, in whole seconds up to six hours (BEP 51; libtorrent: six
    /// hours).
    ///
    /// Shorter serves those who index the network; each of them asks as often as this allows.
    package var sampleInterval = Duration.seconds(60 * 60)

    @Shared package var limits = Limits()

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
        /// Of these, the most that one answer brings (libtorrent sends 100; a packet of 1,500 bytes has room for 180).
        package var peersPerReply = 200
        package var bootstrapEndpointCount = 64
        /// Unverified contacts waiting to be pinged.
        package var unverifiedContactCount = 64
        /// Contacts taken over from a saved state for each home: more than a table holds of the whole network.
        package var restoredContactCount = 512
        /// Infohashes with announced peers (libtorrent: 2,000).
        package var infoHashCount = 2000
        /// Infohashes that are charged to one network, a /24 or a /56, in public mode; a further one displaces one of
        /// these.
        package var infoHashesPerNetwork = 100
        /// Peers per infohash and family (libtorrent: 500).
        package var peersPerInfoHash = 500
        /// Peers of one infohash from one address, in public mode; a further one displaces the oldest of these, and is
        /// not reported by a lookup.
        package var peersPerAddress = 8
        /// Peers of one infohash from one network (/24, /56) in public mode; a further one displaces one of these.
        ///
        /// A sixteenth of a list: more than live behind one translator, too few to fill an answer.
        package var peersPerNetwork = 32
        /// Items stored for others, immutable and mutable together, of up to 1,000 bytes each (libtorrent: 700 each).
        package var itemCount = 1000
        /// Signatures of items stored with us that are verified in a second, and as many at once.
        ///
        /// Each takes 0.14 ms, so this many take 3% of a processor.
        package var signatureChecksPerSecond = 200
        /// Items of our own that are stored again and again.
        package var publicationCount = 64
        /// Nodes whose sample of infohashes is not asked for again before its time.
        package var sampledNodeCount = 4096
        /// Infohashes of one sample (libtorrent: 20, which fit beside nodes of both families).
        package var infoHashesPerSample = 20
        /// The longest packet that we send: BEP 32 promises every node can take it.
        ///
        /// Only a reply with an item in it may be longer (`KRPCLimits.itemMessageByteCount`).
        package var replyByteCount = 1024

        package init() {}
    }
}
