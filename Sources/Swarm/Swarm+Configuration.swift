package import PeerProtocol

extension Swarm {
    /// The limits and intervals of one torrent's swarm.
    ///
    /// Counts bound memory and sockets; durations bound waiting.
    package struct Configuration: Equatable, Sendable {
        /// Connections and attempts together.
        ///
        /// Each costs a socket and up to one read buffer.
        package var peersMax = 200
        /// Attempts at the same time, handshakes of the peers included.
        ///
        /// Most listed peers are dead: the race decides how soon a live one is met. With 128 attempts and the crowded
        /// timeouts below, 500 endpoints that swallow packets are passed in ten seconds.
        package var connectingMax = 128
        /// Endpoints remembered, connected or not.
        package var candidatesMax = 5_000
        /// Attempts at one endpoint before it is left alone until it is named again.
        package var connectAttemptsMax = 5
        /// A connection of at least this age that is of no use may give its place to a caller that comes before it
        /// (BEP 40).
        package var displaceDelay: Duration = .seconds(30)
        /// The same for one that neither side is interested in: a peer says what it wants within a round trip or two.
        package var displaceIdleDelay: Duration = .milliseconds(500)
        /// Two clients that have called each other within this time drop one of the connections at once.
        package var twinTime: Duration = .seconds(2)
        /// How long a connection counts as useful after a block went over it, in either direction.
        package var usefulTime: Duration = .seconds(60)
        /// While candidates wait and nothing comes, a connection that never was of use keeps its place this long.
        ///
        /// Where no place is free and none of the peers gives, a longer wait seldom helps, though a choker round takes
        /// 10 s (BEP 3). A seed behind 1,000 idle peers is met half a second later than this.
        package var uselessTimeStarving: Duration = .seconds(4)
        /// The same before the metadata is known: peers offer it in their first message.
        package var uselessTimeMetadata: Duration = .seconds(3)
        /// A torrent that has received nothing for this long may call all ports of an address of a private network.
        package var urgentTime: Duration = .seconds(2)
        /// The time of `uselessTimeStarving` while something is received: two optimistic turns of the peer (BEP 3).
        package var uselessTime: Duration = .seconds(60)
        /// While something is received, one useless connection gives way in this time, more often the more wait.
        package var giveWayInterval: Duration = .seconds(10)
        /// The same for one over which something goes, and little: how fast it is has shown.
        package var giveWayIntervalSlow: Duration = .seconds(2)
        /// The wait before an endpoint is called again whose connection was of no use; doubles with each time.
        package var uselessDelay: Duration = .seconds(60)
        /// An incoming connection that ends sooner, and was of no use, counts as a return of its host.
        package var returnTime: Duration = .seconds(30)
        /// What all connections of a client have in common.
        package var connects = ConnectLimits.Configuration()
        /// A peer that has not accepted by then is given up for now.
        package var connectTimeout: Duration = .seconds(5)
        /// The same while endpoints wait that were not tried yet, for which it makes room.
        ///
        /// Enough for a call whose first packet is lost: it is sent again after a second (RFC 6298).
        package var connectTimeoutCrowded: Duration = .milliseconds(2_500)
        package var handshakeTimeout: Duration = .seconds(10)
        /// The same while endpoints wait that were not tried yet: a peer that accepts has a process that answers.
        ///
        /// This and `connectTimeoutCrowded` double with each attempt at the endpoint, up to the usual time, so that a
        /// slow peer is met in the end.
        package var handshakeTimeoutCrowded: Duration = .milliseconds(1_500)
        /// Silence after which a connection is closed: BEP 3's two minutes and a margin for late keep-alives.
        package var idleTimeout: Duration = .seconds(150)
        /// How long we stay silent before a keep-alive.
        package var keepAliveInterval: Duration = .seconds(100)
        /// The wait before the first retry of an endpoint; doubles with each failure.
        package var reconnectDelay: Duration = .seconds(4)

        /// Largest info dictionary accepted, as libtorrent, rqbit and rain do (30-32 MiB).
        package var metadataBytesMax = 32 << 20
        /// Bytes of metadata held for one torrent before it is complete; then assemblies go that wait for a piece,
        /// and those that have cost the most.
        ///
        /// Twice the largest, so that a wrong one cannot keep the right one out.
        package var metadataHeldBytesMax = 64 << 20
        /// BEP 9 requests outstanding at one peer.
        package var metadataRequestsPerPeerMax = 8
        /// A metadata piece that has not come by then is asked of another peer.
        package var metadataRequestTimeout: Duration = .seconds(3)
        /// A metadata piece that has not come by then may be asked of another peer as well: several round trips.
        package var metadataHedgeDelay: Duration = .milliseconds(500)
        /// The longest time that a peer is left alone after time-outs or rejects; it begins with a second and doubles.
        package var metadataRestMax: Duration = .seconds(60)
        /// After a mismatch, peers of one size that are asked for a whole metadata each at the same time.
        package var metadataTurnsMax = 64
        /// While others wait, such a peer is asked for no longer than this.
        package var metadataTurnTime: Duration = .seconds(3)
        /// The same for a peer that gives no piece for so long.
        package var metadataTurnSilence: Duration = .seconds(1)
        /// Times that one peer is given the whole metadata before further requests are rejected.
        package var metadataServedPerPeerMax = 4

        /// Requests outstanding at a peer when nothing is known of its rate.
        package var requestsInitial = 16
        package var requestsMin = 2
        /// 2,000 x 16 KiB keeps 1 GB/s busy over 30 ms; also bounded by the peer's `reqq`.
        package var requestsMax = 2_000
        /// How much of a peer's rate is asked for ahead, beside what its answers take: enough to hide its pauses; more
        /// only makes the choice of a piece old when it is served (docs/simulator.md).
        package var requestQueueTime: Duration = .milliseconds(100)
        /// A peer that gives a piece within this time does it alone.
        ///
        /// Slower ones share, so that their pieces are whole and can be traded soon.
        package var wholePieceTime: Duration = .seconds(5)
        /// What a peer that did not say `reqq` is assumed to queue.
        package var requestQueueAssumed = 250
        /// Silence with requests outstanding after which a peer is snubbed and its blocks go to others.
        package var snubTimeout: Duration = .seconds(20)
        /// The same when no block has become whole for so long, whatever drips in: libtorrent's limit too.
        ///
        /// A peer that gives one block at a time needs 273 bytes a second to stay below it.
        package var blockTimeout: Duration = .seconds(60)
        /// In the end game, peers asked for the same block.
        package var duplicateRequestsMax = 3
        /// Blocks asked at once of a peer that has nothing else to do in the end game.
        package var endGameRequestsMax = 8
        /// When pieces are fetched in order, those at the front are asked of a second peer after twice the time that a
        /// piece takes at the present rate, at least after this: below it, every pause of a link would be paid twice.
        package var frontPatienceMin: Duration = .milliseconds(500)
        /// A piece that failed waits this long for a peer that has given right ones, before any peer may give it.
        package var suspectWaitMax: Duration = .seconds(2)
        /// Such a peer has the piece to itself for this time, and for as long as it takes at this rate, in B/s.
        package var suspectTimeMin: Duration = .seconds(3)
        package var suspectBytesPerSecondMin = 256_000.0
        /// A piece of which a peer has rejected a block is not asked of it again for this time.
        package var refusalTime: Duration = .seconds(30)
        /// Bytes that the storage may hold unwritten before reading from peers stops.
        ///
        /// It bounds a download's memory: thirteen whole pieces of 1 MiB wait to be hashed side by side, as more come.
        package var storageBacklogBytesMax = 18 << 20
        /// Reading goes on once it holds no more than these.
        package var storageBacklogBytesResumed: Int { storageBacklogBytesMax / 6 * 5 }
        /// How we call peers; who calls us is judged by the client.
        package var encryption = EncryptionPolicy.prefer
        /// A liar's host is refused as well as its endpoint: not where many peers share one address.
        package var bansHosts = false
        /// How long an address that gave bad data is refused: others may get the address, or share it.
        package var banTime: Duration = .seconds(60 * 60)
        /// Addresses refused at the same time; beyond, the oldest of the network with most of them is forgiven.
        package var bansMax = 1_000
        /// The wait before an endpoint that broke the protocol is called again; doubles with each failure.
        package var distrustDelay: Duration = .seconds(60)

        /// Peers served at once for what they give us, or in turn; one more is served by chance.
        ///
        /// BEP 3 has 4; today's uplinks carry more, and 8 is libtorrent's default.
        package var uploadSlots = 8
        /// With a fast link there are more: one for so many bytes a second, up to a limit (docs/simulator.md).
        package var uploadSlotBytesPerSecond = 4_000_000
        package var uploadSlotsMax = 16
        /// How often the places are given anew: long enough for TCP to show what a peer gives (BEP 3).
        package var chokeInterval: Duration = .seconds(10)
        /// How long the optimistic place is kept: a piece must get through in that time (BEP 3).
        package var optimisticInterval: Duration = .seconds(30)
        /// For so long after connecting, a peer is three times as likely to get the optimistic place.
        package var newcomerTime: Duration = .seconds(60)
        /// A seed serves a peer at least so much and so long before another has a turn.
        package var seedTurnBytes = 16 << 20
        package var seedTurnTime: Duration = .seconds(30)
        /// After so long it is another's turn, however little the peer took.
        package var seedTurnTimeMax: Duration = .seconds(60)
        /// An upload place whose peer takes no block for so long is given to a peer that waits.
        ///
        /// A block of 16 KiB in that time is 5 KiB a second.
        package var uploadIdleTime: Duration = .seconds(3)
        /// The connection of a peer that takes nothing for so long of blocks that are there for it ends.
        package var uploadStuckTime: Duration = .seconds(90)
        /// The same while blocks that do not move are more than `uploadStuckBytesMax` in all.
        package var uploadStuckTimeCrowded: Duration = .seconds(10)
        package var uploadStuckBytesMax = 16 << 20
        /// From unchoking a peer to its first block takes a round trip; after this others are tried beside it.
        package var uploadProbeTime: Duration = .milliseconds(500)
        /// Places given beyond the usual ones while most are idle, and cost nothing.
        package var uploadSlotsIdleMax = 160
        /// A peer that has taken blocks for so long is preferred under an upload limit: half of each second goes to it
        /// and its like.
        package var uploadProvenTime: Duration = .seconds(5)
        /// Messages of one peer that change nothing, such as refused requests, cancels of nothing, or haves of pieces
        /// that it has; its connection ends when there are more.
        ///
        /// A choke that crosses a full queue of requests takes 2,048.
        package var uselessMessagesMax = 4_096
        package var uselessMessagesPerSecond = 200
        /// Requests queued for one peer; what we advertise as `reqq`.
        package var uploadQueueMax = 2_048
        /// Bytes read from disk or unsent in the socket for one peer.
        package var uploadInFlightBytesMax = 1 << 20
        /// The same for all peers together; beyond it each has two blocks at a time, until some have gone.
        package var uploadInFlightTotalMax = 32 << 20
        /// How much of a peer's rate may wait in its socket: what is there cannot be cancelled any more.
        package var uploadQueueTime: Duration = .milliseconds(100)
        /// Pieces that a choked peer may fetch until it has as many (BEP 6); as many as libtorrent's.
        package var allowedFastCount = 5
        /// Choked peers that are served such pieces at once: a crowd of newcomers would leave nothing to the others.
        package var allowedFastPeersMax = 2
        /// How often all peers of a host are given so many, within some minutes: they could return without end.
        package var allowedFastPerHostMax = 4

        /// How often a peer is told of others (BEP 11).
        package var exchangeInterval: Duration = .seconds(60)
        package var exchangeFirstDelay: Duration = .seconds(5)

        // Switches for measurements: what each mechanism is worth shows without it.

        /// Begin the rarest piece first; without it any piece, all equally likely.
        package var picksRarestFirst = true
        /// Serve those that give most; without it a downloader serves in turns, as a seed does.
        package var usesTitForTat = true
        /// Whether peers are served at all; without it this is a free rider.
        package var servesPeers = true

        package init() {}
    }
}
