import DequeModule
import OrderedCollections
import PeerProtocol
import Primitives

/// One connection of a swarm, or the attempt at one.
struct Peer {
    enum Phase: Equatable {
        /// An attempt is under way. -> handshaking, or gone
        case connecting
        /// Connected; the peer's handshake is not here yet. -> open, or gone
        case handshaking
        /// Messages flow. -> gone
        case open
    }

    /// What a peer had when its bits could not be counted yet.
    enum EarlyPieces {
        case bits([UInt8])
        case everything
        case nothing
    }

    let handle: PeerHandle
    let endpoint: Endpoint
    let isOutgoing: Bool
    /// How often attempts at this endpoint had failed before this one.
    var failuresBefore = 0
    /// What went over this connection that was wanted.
    var use = ConnectionUse()
    /// `sentInTurn` at the last tick.
    var sentInTurnSeen = 0
    /// Payload that was taken back, by cancels and at chokes, and may come all the same.
    var takenBackBytes = 0
    /// Payload that was never asked for and is put up with.
    var unaskedBytesLeft = Peer.unaskedBytesMax
    var phase: Phase
    /// When `phase` was entered.
    var phaseSince: Instant
    var session: Session
    /// Until the opening of an encrypted call of ours is through.
    var encryption: EncryptionHandshake?

    // What the peer said.
    var extensions = ExtensionHandshake()
    /// The pieces that the peer has, to which it may add; nil until the torrent is known.
    var pieces: Bitfield?
    /// How the picker counts it.
    var counting = AvailabilityIndex.Counting.byPieces
    /// `pieces` without those it is not to be asked for now; nil while there is no difference.
    var withoutRefused: Bitfield?
    /// A bitfield, or what stands for one, and haves that came before the torrent was known.
    var earlyBitfield: EarlyPieces?
    var earlyHaves: [Int] = []
    /// Pieces that it gives even while it chokes us (BEP 6).
    var allowedFast: [Int] = []
    /// How many it has named so far.
    var allowedFastCount = 0
    var isChokingUs = true
    var isInterestedInUs = false
    /// When it last said where its DHT node is (BEP 5) and was heard.
    var portHeardAt: Instant?

    // What we said.
    /// Pieces that we give it even while we choke it (BEP 6).
    var fastGrants: [Int] = []
    /// Blocks of them, while it was choked.
    var fastServedBytes = 0
    var isChokedByUs = true
    var areWeInterested = false
    var lastSentAt: Instant

    // Downloading.
    var pipeline: BlockPipeline
    var currentPiece: Int?
    /// The picker's generation when it last had nothing for this peer.
    var idleGeneration: Int?
    /// How many cancels of a block the peer has not answered (BEP 6).
    var cancelled: [BlockRequest: Int] = [:]
    /// Pieces that it has and is not to be asked for now, since it rejected one of their blocks lately.
    var refused: [(piece: Int, at: Instant)] = []
    /// How many requests it is trusted with.
    var trust: Trust
    /// In one of the queues of idle peers.
    var isQueuedAsIdle = false
    /// Blocks were asked of it since it was last known to work at no piece alone.
    var mayOwnPieces = false
    /// It did not give in time what it owed us, and has given no whole block since.
    var hasSnubbedUs = false
    /// When a block last came, or the first request of an idle peer went out.
    var lastProgressAt: Instant
    /// When a block was last whole, or the first request of an idle peer went out.
    var lastBlockAt: Instant
    /// Payload, wanted or not.
    var receivedBytes = 0
    /// Payload that was wanted, since places were given last.
    var receivedInRound = 0
    /// The same in the round before.
    var receivedInLastRound = 0

    // Uploading.
    /// When it was choked or unchoked last.
    var chokeChangedAt: Instant?
    /// Payload since it was unchoked.
    var sentInTurn = 0
    /// Blocks that it has asked for and that are not being read yet.
    var uploads = OutstandingRequests()
    /// When the blocks that are being read or wait in the socket were taken there, oldest first.
    var uploadsInFlight: Deque<Instant> = []
    var uploadInFlightBytes = 0
    /// How much of that the upload limit was charged for.
    var chargedInFlight = 0
    /// When it was unchoked, or a block was sent since.
    var lastTakenAt: Instant
    /// Turns that ended because it took nothing.
    var unusedTurns = FadingAmount(halfLife: Swarm.unusedTurnsHalfLife)
    var uploadPipeline: BlockPipeline
    var metadataPiecesServed = 0
    /// Pieces of the metadata that it waits for.
    var metadataWanted: OrderedSet<Int> = []
    /// How many messages that change nothing are put up with.
    var useless: TokenBucket

    // Peer exchange.
    /// What it was told of and not yet told to be gone.
    var exchanged: OrderedSet<Endpoint> = []
    /// The first message waits a little: there may be peers to name then.
    var nextExchange: Instant
    var nextExchangeAccepted: Instant
    /// It has named peers before.
    var hasExchanged = false

    /// Eight blocks: clients that send what was not asked for do so by mistake.
    static let unaskedBytesMax = 8 * BlockRequest.usualLength
    /// More than was asked of one peer at a time.
    static let takenBackBytesMax = 64 << 20

    /// Blocks in a socket whose rate is not known.
    private static let uploadsInitial = 16

    // Mutating, so that a peer is looked at in place: the getter of an array would copy all of it.

    /// Blocks that it owes us.
    var owedBlocks: Int { mutating get { session.outstanding.count } }

    /// The choker has given the places anew.
    mutating func roundEnded() {
        receivedInLastRound = receivedInRound
        receivedInRound = 0
    }

    /// Nothing was read for so long: its silence says nothing of the peer.
    mutating func readingPaused(for pause: Duration, now: Instant) {
        lastProgressAt = min(now, lastProgressAt + pause)
        lastBlockAt = min(now, lastBlockAt + pause)
        session.readingPaused(for: pause, now: now)
    }

    /// An answer to a cancel has come, if there was one to come.
    mutating func answeredCancel(of block: BlockRequest) -> Bool {
        guard !cancelled.isEmpty, let count = cancelled[block] else { return false }
        cancelled[block] = count > 1 ? count - 1 : nil
        return true
    }

    /// The pieces that it may be asked for.
    var askable: Bitfield? { withoutRefused ?? pieces }

    /// Whether the piece exists and the peer lacks it.
    mutating func lacks(_ piece: Int) -> Bool {
        guard let count = pieces?.count, piece < count else { return false }
        return pieces?[piece] == false
    }

    /// Notes at a tick what was sent since the last one.
    mutating func noteSent(now: Instant) {
        let sent = sentInTurn - (sentInTurn < sentInTurnSeen ? 0 : sentInTurnSeen)
        sentInTurnSeen = sentInTurn
        if sent > 0 { use.sent(sent, now: now) }
    }

    /// Whether anything that was wanted has come lately.
    var gives: Bool { receivedInRound > 0 || receivedInLastRound > 0 }
    var isEncrypted: Bool { !session.ciphers.sending.isTransparent }
    var isOpen: Bool { phase == .open }
    var speaksExtensions: Bool { session.peerHandshake?.capabilities.contains(.extensionProtocol) ?? false }
    var isSeed: Bool { pieces?.isFull ?? false }
    /// A seed, or one that has all it wants (BEP 21): whatever else it says, it is not served.
    var wantsNothing: Bool { isSeed || extensions.isUploadOnly == true }
    /// It wants to be served.
    var isWaitingForPieces: Bool { isInterestedInUs && !wantsNothing }

    init(
        handle: PeerHandle, endpoint: Endpoint, isOutgoing: Bool, session: Session,
        configuration: Swarm.Configuration, now: Instant
    ) {
        self.handle = handle
        self.endpoint = endpoint
        self.isOutgoing = isOutgoing
        phase = isOutgoing ? .connecting : .handshaking
        phaseSince = now
        self.session = session
        lastSentAt = now
        lastProgressAt = now
        lastBlockAt = now
        trust = Trust(now: now)
        lastTakenAt = now
        useless = TokenBucket(
            perSecond: configuration.uselessMessagesPerSecond, burst: configuration.uselessMessagesMax, now: now)
        nextExchange = now + configuration.exchangeFirstDelay
        nextExchangeAccepted = now
        pipeline = BlockPipeline(
            initial: configuration.requestsInitial, minimum: configuration.requestsMin,
            maximum: min(configuration.requestsMax, configuration.requestQueueAssumed),
            queueTime: configuration.requestQueueTime, now: now)
        uploadPipeline = BlockPipeline(
            initial: Self.uploadsInitial, minimum: configuration.requestsMin,
            maximum: configuration.uploadInFlightBytesMax / BlockRequest.usualLength,
            queueTime: configuration.uploadQueueTime, now: now)
    }
}
