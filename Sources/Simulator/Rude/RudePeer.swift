import DequeModule
import Metainfo
import PeerProtocol
import Primitives
import Swarm

/// A peer of one torrent that harms it in one way, as a value: facts and the time in, actions out.
///
/// It speaks the wire protocol through the codecs of `PeerProtocol`, calls its targets and is called, and acts on each
/// connection when something arrives and every half second.
struct RudePeer: Sendable {
    /// What all rude peers of a swarm know.
    struct Target: Sendable {
        let info: Info
        let layout: TorrentLayout
        /// As long as the true metadata, and wrong.
        let garbage: [UInt8]
    }

    /// One connection or attempt.
    struct Link: Sendable {
        let handle: PeerHandle
        let endpoint: Endpoint
        let isOutgoing: Bool
        let since: Instant
        var session: Session
        /// Both handshakes are through.
        var isOpen = false
        var isChoked = true
        var extensions = ExtensionHandshake()
        /// What it was asked for and has not answered.
        var requests: Deque<BlockRequest> = []
        /// How much of the oldest request was given.
        var givenBytes = 0
        var blocksGiven = 0
        /// Metadata parts asked for, and when they are answered.
        var metadataRequests: Deque<(piece: Int, due: Instant)> = []
        /// Turns since the handshakes.
        var turns = 0
    }

    let kind: RudeKind
    let target: Target
    /// Honest peers that it may call.
    private let victims: [Endpoint]
    /// The honest peer on its own address.
    private let neighbour: Endpoint?
    /// Connections that it keeps by calling.
    private let reach: Int
    var peerID: PeerID
    var generator: SeededGenerator
    var links: [Link] = []
    /// Endpoints to call, with the time from which on.
    private var calls: Deque<(endpoint: Endpoint, due: Instant)> = []
    private var nextHandle = 1
    private(set) var nextTurn: Instant
    /// The neighbour's peer id has been copied.
    private var hasCopied = false
    /// Requests of blocks that it was sent.
    private(set) var requestsReceived = 0

    static let turnInterval = Duration.milliseconds(500)
    /// Between the loss of a connection and the next call to the same endpoint.
    private static let returnDelay = Duration.seconds(1)

    init(
        kind: RudeKind, target: Target, victims: [Endpoint], neighbour: Endpoint?, reach: Int, from start: Instant,
        generator: SeededGenerator
    ) {
        var generator = generator
        (self.kind, self.target, self.victims) = (kind, target, victims)
        (self.neighbour, self.reach) = (neighbour, reach)
        peerID = PeerID(prefix: "-RU0001-", using: &generator)
        nextTurn = start + Self.turnInterval * Int.random(in: 0..<8, using: &generator) / 8
        self.generator = generator
        guard kind.calls else { return }
        for _ in 0..<min(reach, victims.count) {
            guard let endpoint = victims.randomElement(using: &self.generator) else { return }
            calls.append((endpoint, start))
        }
    }

    // MARK: Facts

    mutating func accepted(from endpoint: Endpoint, now: Instant) -> PeerHandle {
        insert(endpoint, isOutgoing: false, now: now)
    }

    mutating func connected(_ handle: PeerHandle, now: Instant, into outbox: inout RudeOutbox) {
        guard kind != .silentCaller else { return }
        sendHandshake(to: handle, as: peerID, into: &outbox)
    }

    /// The connection is gone, or the attempt has failed.
    mutating func disconnected(_ handle: PeerHandle, now: Instant) {
        guard let place = place(of: handle) else { return }
        let link = links.remove(at: place)
        if link.isOutgoing { callAgain(link.endpoint, now: now) }
    }

    /// Whole messages arrived.
    mutating func received(_ bytes: [UInt8], from handle: PeerHandle, now: Instant, into outbox: inout RudeOutbox) {
        var offset = 0
        while let place = place(of: handle), offset < bytes.count {
            switch links[place].session.received(bytes.span.bytes, at: offset, now: now) {
            case .needsMore, .fault: return
            case .handshake(let consumed, let handshake):
                offset += consumed
                opened(place, handshake, into: &outbox)
            case .message(let consumed, let message):
                offset += consumed
                messageReceived(message, bytes, from: place, now: now, into: &outbox)
            case .payload(let consumed, _, _, _, _, _), .skipped(let consumed): offset += consumed
            }
        }
    }

    mutating func timedOut(now: Instant, into outbox: inout RudeOutbox) {
        guard now >= nextTurn else { return }
        nextTurn = now + Self.turnInterval
        for handle in links.indices.map({ links[$0].handle }) {
            guard let place = place(of: handle) else { continue }
            if kind == .silentCaller, links[place].isOutgoing, now - links[place].since >= .seconds(2) {
                close(place, now: now, into: &outbox)
            } else if links[place].isOpen {
                links[place].turns += 1
                takeTurn(place, now: now, into: &outbox)
            }
        }
        callDue(now: now, into: &outbox)
    }

    // MARK: Connections

    func place(of handle: PeerHandle) -> Int? { links.indices.first { links[$0].handle == handle } }

    private mutating func insert(_ endpoint: Endpoint, isOutgoing: Bool, now: Instant) -> PeerHandle {
        let handle = PeerHandle(rawValue: nextHandle)
        nextHandle += 1
        let session = Session(
            role: isOutgoing ? .initiator : .responder, infoHash: target.info.infoHash, ourPeerID: peerID, now: now)
        links.append(
            Link(handle: handle, endpoint: endpoint, isOutgoing: isOutgoing, since: now, session: session))
        return handle
    }

    private mutating func callDue(now: Instant, into outbox: inout RudeOutbox) {
        // The twin has to meet its neighbour first.
        if kind == .twin, !hasCopied {
            guard let neighbour, links.isEmpty else { return }
            return outbox.actions.append(.connect(insert(neighbour, isOutgoing: true, now: now), neighbour))
        }
        while let call = calls.first, call.due <= now {
            calls.removeFirst()
            outbox.actions.append(.connect(insert(call.endpoint, isOutgoing: true, now: now), call.endpoint))
        }
    }

    /// Where a connection was, another one is wanted: to the same peer if it comes back, else to any.
    private mutating func callAgain(_ endpoint: Endpoint, now: Instant) {
        guard kind.calls, kind != .twin || hasCopied else { return }
        let isFaithful = kind == .poisoner || kind == .partialPoisoner || kind == .requestDropper
        guard let next = isFaithful ? endpoint : victims.randomElement(using: &generator) else { return }
        calls.append((next, now + Self.returnDelay))
    }

    mutating func close(_ place: Int, now: Instant, into outbox: inout RudeOutbox) {
        let link = links.remove(at: place)
        outbox.actions.append(.close(link.handle))
        if link.isOutgoing { callAgain(link.endpoint, now: now) }
    }

    private func sendHandshake(to handle: PeerHandle, as id: PeerID, into outbox: inout RudeOutbox) {
        let handshake = Handshake(
            capabilities: [.extensionProtocol, .fast], infoHash: target.info.infoHash, peerID: id)
        outbox.send(to: handle) { handshake.encode(into: &$0) }
    }

    private mutating func opened(_ place: Int, _ handshake: Handshake, into outbox: inout RudeOutbox) {
        guard kind != .silentCaller else { return }
        if !links[place].isOutgoing {
            sendHandshake(to: links[place].handle, as: kind == .echo ? handshake.peerID : peerID, into: &outbox)
        }
        links[place].isOpen = true
        if kind == .twin, !hasCopied, links[place].isOutgoing, links[place].endpoint == neighbour {
            peerID = handshake.peerID
            hasCopied = true
            outbox.actions.append(.close(links[place].handle))
            links.remove(at: place)
            return
        }
        introduce(place, into: &outbox)
    }

    private mutating func messageReceived(
        _ message: Message, _ bytes: [UInt8], from place: Int, now: Instant, into outbox: inout RudeOutbox
    ) {
        switch message {
        case .choke: links[place].isChoked = true
        case .unchoke:
            links[place].isChoked = false
            if kind == .requestDropper { request(100, of: place, into: &outbox) }
        case .request(let block):
            requestsReceived += 1
            requested(block, from: place, now: now, into: &outbox)
        case .cancel(let block): links[place].requests.removeAll { $0 == block }
        case .extended(0, let payload):
            if let handshake = try? ExtensionHandshake(bytes.span.bytes, in: payload) {
                links[place].extensions.update(with: handshake)
            }
        case .extended(ExtensionID.metadata, let payload):
            if case .request(let piece) = try? MetadataMessage(bytes.span.bytes, in: payload) {
                metadataRequested(piece, from: place, now: now, into: &outbox)
            }
        default: break
        }
    }
}
