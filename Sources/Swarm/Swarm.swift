import DequeModule
package import Metainfo
import OrderedCollections
package import PeerProtocol
package import Primitives

/// One torrent and its peers: finds out the metadata, then fetches, verifies and serves the pieces.
///
/// A value fed with facts and the time; what is to be done is appended to the `Outbox` that the caller passes. After
/// each fact the caller carries out the outbox and arms its timer for `nextDeadline`; a late `timedOut` is safe, and
/// time never runs back. Payload goes around the swarm: it decides about a block by its 13-byte header and names the
/// range of the caller's own buffer that goes to the storage.
///
/// The parts: `CandidateQueue` (whom to connect to), `Session` (what a peer says), `MetadataRace` (the info
/// dictionary),
/// `PiecePicker` (what to ask), `RequestPipeline` (how much at once), and in the extensions below the facts by topic.
package struct Swarm {
    package let torrent: TorrentHandle
    package let infoHash: InfoHash
    /// The info dictionary, once known.
    package internal(set) var info: Info?

    let configuration: Configuration
    let identity: Identity
    var generator: SeededGenerator
    var candidates: CandidateQueue
    /// Shared with other swarms by an owner that swaps it in and out around each fact.
    package var connectLimits: ConnectLimits
    /// Peers that connected to us, by who holds the places.
    var callers = HolderTable<PeerHandle>()
    /// When the next useless connection gives way while something is received.
    var nextGiveWay = Instant.origin
    /// When a wanted block was last received.
    var lastReceivedAt: Instant
    /// As of the last tick, peers of use in `configuration.usefulTime`.
    var usefulCount = 0
    /// Those of them that have given us something.
    var giverCount = 0
    /// All connections and attempts, in no meaningful order; `places` finds one by its handle.
    var peers: [Peer] = []
    var places: [PeerHandle: Int] = [:]
    /// What is wanted of the torrent; present once its files are known, unless only the metadata is wanted.
    var selected: SelectedFiles?
    /// Bytes of the wanted files that are verified.
    var verifiedBytes = 0
    /// Present until the metadata is known.
    var race: MetadataRace?
    /// Present once the storage has said what is on disk.
    var picker: PiecePicker?
    var choker: Choker
    var failures = FailedPieces()
    var allowance = Allowance()
    /// Peers for which there was nothing to ask, the longest waiting first: those that give, and the others.
    var idleGivers: Deque<PeerHandle> = []
    var idleOthers: Deque<PeerHandle> = []
    /// Whether a connected peer that gives has given a piece that was right.
    var hasProvedPeers = false
    /// How long a piece at the front may take when pieces are fetched in order.
    var frontPatience: Duration = .seconds(1)
    /// Whose turn it is when a portion is given.
    var turn = 0
    /// How often peers of a host had an upload place lately and took nothing.
    var unusedTurns = HostLedger(hostsMax: 1_024, halfLife: unusedTurnsHalfLife)
    static let unusedTurnsHalfLife: Duration = .seconds(60)
    var metadataUpload: MetadataUpload
    /// Peers that are gone and had given blocks of pieces that were right, the last ones.
    var provedGone: OrderedSet<PeerHandle> = []
    /// Bytes that choked peers of a host were given lately.
    var fastServed = HostLedger(hostsMax: 1_024, halfLife: .seconds(300))
    /// The storage or the metadata is unusable: nothing more will be done.
    package internal(set) var hasFailed = false
    /// Our own link is lost: no peer is called.
    var isOffline = false
    /// Since when nothing is read, the storage being behind.
    var readingPausedAt: Instant?
    var isReadingPaused: Bool { readingPausedAt != nil }
    var counters = Counters()
    var downloadMeter: RateMeter
    var uploadMeter: RateMeter
    private var nextHandle: Int
    private var nextTick: Instant?

    /// Timeouts are looked after this often; none is so short that it would matter.
    private static let tickInterval: Duration = .milliseconds(500)

    /// What every peer of a client is told.
    package struct Identity: Equatable, Sendable {
        package var peerID: PeerID
        /// Where we take connections; 0 when we take none.
        package var listenPort: UInt16
        /// Sent in the extension handshake.
        package var clientName: String
        /// Do not open a storage: only the metadata is wanted.
        package var wantsMetadataOnly = false
        /// Exchange peers with peers (BEP 11).
        package var usesExchange = true
        /// Fetch pieces in the order of the torrent, not the rarest first.
        package var isSequential = false
        /// Nil: all files are wanted.
        package var selection: FileSelection?

        package init(peerID: PeerID, listenPort: UInt16, clientName: String) {
            self.peerID = peerID
            self.listenPort = listenPort
            self.clientName = clientName
        }
    }

    struct Counters {
        var downloadedBytes = 0
        var uploadedBytes = 0
        /// Being read, or in sockets.
        var uploadInFlightBytes = 0
        var wastedBytes = 0
        var connectFailures = 0
        var unchoked = 0
        /// Attempts under way, until the handshake of the peer is there.
        var attempts = 0
        /// Those of them at endpoints that were tried before.
        var retries = 0
        /// Connections ended so that their place goes to another peer.
        var displaced = 0
        /// Callers for which there was no place.
        var callersRefused = 0
        var requests = 0
        var requestFailures = 0
        var metadataUploadedBytes = 0
        var unusedTurns = 0
        var floods = 0
        var stuckUploads = 0
    }

    /// `firstHandle` begins a range of handles that is this swarm's alone.
    package init(
        torrent: TorrentHandle, infoHash: InfoHash, configuration: Configuration, identity: Identity, firstHandle: Int,
        generator: SeededGenerator, now: Instant
    ) {
        self.torrent = torrent
        self.infoHash = infoHash
        self.configuration = configuration
        self.identity = identity
        self.generator = generator
        nextHandle = firstHandle
        candidates = CandidateQueue(configuration: configuration)
        connectLimits = ConnectLimits(configuration.connects)
        race = MetadataRace(infoHash: infoHash, configuration: configuration)
        lastReceivedAt = now
        choker = Choker(configuration, now: now)
        metadataUpload = MetadataUpload(now: now)
        downloadMeter = RateMeter(now: now)
        uploadMeter = RateMeter(now: now)
    }

    /// When `timedOut` is wanted next.
    package var nextDeadline: Instant? {
        // In place: a copy would be felt after each fact.
        mutating get { hasFailed ? nil : nextTick ?? (isOffline ? nil : candidates.nextRetry) }
    }

    package mutating func timedOut(now: Instant, into outbox: inout Outbox) {
        guard let deadline = nextDeadline, now >= deadline else { return }
        tick(now: now, into: &outbox)
        nextTick = peers.isEmpty ? nil : now + Self.tickInterval
        connectMore(now: now, into: &outbox)
    }

    /// Begins the ticking that stops when there is no peer.
    mutating func armTick(now: Instant) {
        if nextTick == nil { nextTick = now + Self.tickInterval }
    }

    /// A tick not later than this.
    mutating func armTick(at time: Instant) {
        nextTick = min(nextTick ?? time, time)
    }

    /// Where a peer is; quick, if it is where it was `expected`.
    mutating func place(of handle: PeerHandle, expected: Int?) -> Int? {
        if let expected, expected < peers.count, peers[expected].handle == handle { return expected }
        return places[handle]
    }

    /// The handles of all peers; indices avoid the copy of each peer that a walk over the array would make.
    var handles: [PeerHandle] { peers.indices.map { peers[$0].handle } }

    mutating func newHandle() -> PeerHandle {
        defer { nextHandle += 1 }
        return PeerHandle(rawValue: nextHandle)
    }

    func report(_ event: TorrentEvent, into outbox: inout Outbox) {
        outbox.events.append(TorrentNotice(torrent: torrent, event: event))
    }

    /// Whether any handshake is complete.
    package var hasOpenPeers: Bool { peers.indices.contains { peers[$0].isOpen } }

    package var snapshot: TorrentSnapshot {
        var snapshot = TorrentSnapshot()
        snapshot.stage = stage
        snapshot.totalBytes = selected?.byteCount ?? info?.totalLength ?? 0
        snapshot.leftBytes = info?.totalLength
        snapshot.pieceCount = selected?.pieces.setCount ?? info?.pieceCount ?? 0
        if let picker {
            snapshot.verifiedPieces = snapshot.pieceCount - picker.missing.setCount
            snapshot.verifiedBytes = verifiedBytes
            snapshot.leftBytes = (info?.totalLength ?? 0) - picker.verifiedBytes
        }
        snapshot.downloadedBytes = counters.downloadedBytes
        snapshot.uploadedBytes = counters.uploadedBytes
        snapshot.wastedBytes = counters.wastedBytes
        snapshot.downloadRate = downloadMeter.bytesPerSecond
        snapshot.uploadRate = uploadMeter.bytesPerSecond
        snapshot.peersKnown = candidates.knownCount
        snapshot.requestsSent = counters.requests
        snapshot.requestFailures = counters.requestFailures
        snapshot.connectFailures = counters.connectFailures
        snapshot.peersBanned = candidates.bannedCount
        snapshot.peersUseful = usefulCount
        snapshot.candidatesRefused = candidates.refusedCount
        snapshot.candidatesDisplaced = candidates.displacedCount
        snapshot.candidatesWaiting = candidates.freshCount
        snapshot.peersDisplaced = counters.displaced
        snapshot.callersRefused = counters.callersRefused
        snapshot.metadataOffers = race?.offerCount ?? 0
        snapshot.metadataEvictions = race?.evictionCount ?? 0
        snapshot.metadataUploadedBytes = counters.metadataUploadedBytes
        snapshot.unusedTurns = counters.unusedTurns
        snapshot.floods = counters.floods
        snapshot.stuckUploads = counters.stuckUploads
        for place in peers.indices {
            guard peers[place].isOpen else {
                snapshot.peersConnecting += 1
                continue
            }
            snapshot.peersConnected += 1
            if peers[place].isSeed { snapshot.seedsConnected += 1 }
            if !peers[place].isChokingUs { snapshot.peersServing += 1 }
            if peers[place].trust.isDoubted { snapshot.peersDoubted += 1 }
        }
        return snapshot
    }

    package var stage: TorrentSnapshot.Stage {
        if hasFailed { return .failed }
        guard info != nil else { return .metadata }
        guard let picker else { return .opening }
        return picker.isComplete ? .complete : .downloading
    }
}
