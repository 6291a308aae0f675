import DequeModule
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

    let handle: PeerHandle
    let endpoint: Endpoint
    let isOutgoing: Bool
    var phase: Phase
    /// When `phase` was entered.
    var phaseSince: Instant
    var session: Session

    // What the peer said.
    var extensions = ExtensionHandshake()
    /// The pieces that the peer has; nil until the torrent is known.
    var pieces: Bitfield?
    /// A bitfield or haves that came before the torrent was known.
    var earlyBitfield: [UInt8]?
    var earlyHaves: [Int] = []
    var isChokingUs = true
    var isInterestedInUs = false

    // What we said.
    var isChokedByUs = true
    var areWeInterested = false
    var lastSentAt: Instant

    // Downloading.
    var pipeline: RequestPipeline
    var currentPiece: Int?
    /// The picker's generation when it last had nothing for this peer.
    var idleGeneration: Int?
    /// When a block last came, or the first request of an idle peer went out.
    var lastProgressAt: Instant
    var sharedFailures = 0
    /// Payload, wanted or not.
    var receivedBytes = 0

    // Uploading.
    var uploads: Deque<BlockRequest> = []
    /// Bytes being read or waiting in the socket.
    var uploadInFlightBytes = 0
    var metadataPiecesServed = 0

    var isOpen: Bool { phase == .open }
    /// Our handshake is on its way, and what we have had then.
    var isGreeted: Bool { phase != .connecting }
    var isSeed: Bool { pieces?.isFull ?? false }

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
        pipeline = RequestPipeline(configuration, now: now)
    }
}
