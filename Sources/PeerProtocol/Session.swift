package import Primitives

/// One connection's incoming stream as a value: framing, limits by state, and what was asked for.
///
/// Feed it with `received` and the unconsumed rest until it says `.needsMore`, then again when more bytes are there. It
/// decides nothing about pieces and writes nothing: the owner encodes its own messages and tells what it requested.
package struct Session: Sendable {
    package enum Role: Hashable, Sendable {
        /// We connected, and send our handshake at once.
        case initiator
        /// The peer connected: we answer once its handshake has named the torrent.
        case responder
    }

    package enum Disposition: Hashable, Sendable {
        /// The block was asked for.
        case store
        /// It was not, or not any more: the bytes go nowhere.
        case discard
    }

    /// What the next bytes were.
    ///
    /// `consumed` counts from the offset that was passed and is never 0; ranges are offsets into the same bytes.
    package enum Step: Hashable, Sendable {
        /// Nothing was consumed: keep what there is, and come back with more.
        case needsMore
        /// Without an infohash of its own the session waits for `accept` from here on.
        case handshake(consumed: Int, Handshake)
        case message(consumed: Int, Message)
        /// Bytes of a piece message, `offset` bytes into `block`. Only a block of no bytes at all has an empty range.
        case payload(
            consumed: Int, block: BlockRequest, offset: Int, range: Range<Int>, isLast: Bool, disposition: Disposition)
        /// Bytes of the body of a message that was reported as unknown.
        case skipped(consumed: Int)
        /// Nothing more will come out of this session.
        case fault(PeerFault)
    }

    /// How much a peer may send in one message, in bytes of its body: beyond, its connection ends.
    package struct Limits: Hashable, Sendable {
        /// Payload of a piece message; a longer block that was requested raises it for this session.
        package var blockBytes = BlockRequest.usualLength
        /// A bitfield while the piece count is unknown: two million pieces, as many as libtorrent takes.
        package var bitfieldBytesBeforeTorrent = 256 * 1024
        /// An extended message, which is buffered whole by the owner.
        ///
        /// Metadata comes in parts of 16 KiB, and a message that names a thousand peers has as much.
        package var extendedBytes = 128 * 1024
        /// A message with an unknown id, which is skipped without being buffered.
        package var unknownBytes = 64 * 1024
        /// What one request may ask for; some old clients ask for more than 16 KiB.
        package var requestBytes = 128 * 1024

        package init() {}
    }

    enum State: Sendable {
        /// -> awaitingAcceptance, messages, failed
        case handshake
        /// The owner looks for the torrent. -> messages
        case awaitingAcceptance
        /// At a message boundary. -> payload, skipping, failed
        case messages
        /// Within a piece message, `received` bytes into its block. -> messages
        case payload(BlockRequest, received: Int, disposition: Disposition)
        /// Within a message that is ignored, so many bytes before its end. -> messages
        case skipping(Int)
        /// Final.
        case failed(PeerFault)
    }

    package let role: Role
    /// The torrent of this connection; nil until a responder's owner has accepted one.
    package private(set) var infoHash: InfoHash?
    /// What the peer's handshake said, once it is there.
    package private(set) var peerHandshake: Handshake?
    /// What this peer still owes us, also the block whose bytes are arriving.
    package internal(set) var outstanding = OutstandingRequests()
    /// When the last bytes were passed in; `init`'s time before that.
    package internal(set) var lastReceivedAt: Instant

    /// Both sides speak the fast extension (BEP 6), which our handshakes always offer.
    ///
    /// Its messages are understood, and a choke leaves requests standing until each is answered or rejected.
    package var isFast: Bool { peerHandshake?.capabilities.contains(.fast) ?? false }

    /// What the bytes of both directions go through; the owner applies them, each byte once and in order.
    package var ciphers = StreamCiphers.transparent

    let limits: Limits
    var state = State.handshake
    var torrent: TorrentLayout?
    /// The longest block requested so far, at least `limits.blockBytes`.
    var longestBlock: Int
    private let ourPeerID: PeerID

    /// With `infoHash` nil, as for an incoming connection, the owner must `accept` a torrent after the handshake;
    /// otherwise a handshake that names another one is a fault.
    package init(role: Role, infoHash: InfoHash?, ourPeerID: PeerID, limits: Limits = Limits(), now: Instant) {
        self.role = role
        self.infoHash = infoHash
        self.ourPeerID = ourPeerID
        self.limits = limits
        longestBlock = limits.blockBytes
        lastReceivedAt = now
    }

    /// Says what the bytes from `offset` on are, consuming a prefix of them: one step at a time.
    ///
    /// A whole handshake and whole messages are awaited; block payloads only up to 512 bytes, ignored bodies not at
    /// all. The same stream gives the same steps however it is cut, but for where payload and skipped bytes are cut.
    package mutating func received(_ bytes: RawSpan, at offset: Int, now: Instant) -> Step {
        precondition(offset >= 0 && offset <= bytes.byteCount, "offset outside of the bytes")
        guard offset < bytes.byteCount else { return .needsMore }
        lastReceivedAt = now
        switch state {
        case .handshake: return handshakeStep(bytes, at: offset)
        case .awaitingAcceptance: return .needsMore
        case .messages: return messageStep(bytes, at: offset)
        case .payload(let block, let received, let disposition):
            return payloadStep(
                of: block, received: received, disposition, headBytes: 0, at: offset, end: bytes.byteCount)
        case .skipping(let remaining):
            let consumed = min(remaining, bytes.byteCount - offset)
            state = consumed == remaining ? .messages : .skipping(remaining - consumed)
            return .skipped(consumed: consumed)
        case .failed(let fault): return .fault(fault)
        }
    }

    /// The owner has the torrent that the handshake named: messages are read from here on.
    package mutating func accept(_ infoHash: InfoHash) {
        guard case .awaitingAcceptance = state else { return }
        self.infoHash = infoHash
        state = .messages
    }

    /// From now on lengths and indices are checked against the torrent; what came before, the owner checks.
    package mutating func torrentKnown(_ layout: TorrentLayout) {
        torrent = layout
    }

    mutating func fail(_ fault: PeerFault) -> Step {
        state = .failed(fault)
        return .fault(fault)
    }

    /// Refuses what cannot be right as early as it shows.
    ///
    /// All 68 bytes are awaited even by a responder, which could answer after 48: only the reachability checks of old
    /// trackers hold the peer id back until then.
    private mutating func handshakeStep(_ bytes: RawSpan, at offset: Int) -> Step {
        let available = bytes.byteCount - offset
        guard Handshake.couldBegin(bytes, at: offset) else { return fail(.badHandshake) }
        if let infoHash, available >= Handshake.peerIDOffset {
            let named = InfoHash(bytes, at: offset + Handshake.infoHashOffset)
            guard named == infoHash else { return fail(.wrongInfoHash(named)) }
        }
        guard available >= Handshake.byteCount else { return .needsMore }
        let handshake: Handshake
        do { handshake = try Handshake(bytes, at: offset) } catch { return fail(error) }
        guard handshake.peerID != ourPeerID else { return fail(.selfConnection) }
        peerHandshake = handshake
        state = infoHash == nil ? .awaitingAcceptance : .messages
        return .handshake(consumed: Handshake.byteCount, handshake)
    }
}
