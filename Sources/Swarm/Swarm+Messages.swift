import Metainfo
import PeerProtocol
package import Primitives

/// What peers say.
extension Swarm {
    /// Reads a prefix of `bytes` and returns its length; the rest is to be passed again when more has come.
    ///
    /// Ranges in `store` actions are offsets into `bytes`.
    package mutating func received(
        _ bytes: RawSpan, from handle: PeerHandle, now: Instant, into outbox: inout Outbox
    ) -> Int {
        var offset = 0
        var known = places[handle]
        // A step may end this connection or another, which moves peers to other places.
        while let place = self.place(of: handle, expected: known) {
            known = place
            let step = peers[place].session.received(bytes, at: offset, now: now)
            switch step {
            case .needsMore:
                fillRequests(place, now: now, into: &outbox)
                return offset
            case .handshake(let consumed, let handshake):
                offset += consumed
                handshakeReceived(handshake, from: handle, now: now, into: &outbox)
            case .message(let consumed, let message):
                offset += consumed
                messageReceived(message, bytes, from: place, now: now, into: &outbox)
            case .payload(let consumed, let block, let blockOffset, let range, let isLast, let disposition):
                offset += consumed
                payloadReceived(
                    Payload(block: block, offset: blockOffset, range: range, isLast: isLast),
                    isRequested: disposition == .store, from: place, now: now, into: &outbox)
            case .skipped(let consumed):
                offset += consumed
            case .fault(let fault):
                lose(handle, loss(for: fault), closing: true, now: now, into: &outbox)
                connectMore(now: now, into: &outbox)
            }
        }
        return bytes.byteCount
    }

    private func loss(for fault: PeerFault) -> PeerLoss {
        switch (fault, fault.scope) {
        case (.selfConnection, _): .ourselves
        case (_, .banPeer), (_, .dropPeer): .protocolViolation(fault)
        }
    }

    private mutating func messageReceived(
        _ message: Message, _ bytes: RawSpan, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        switch message {
        case .keepAlive, .unknown: break
        case .choke:
            peers[place].isChokingUs = true
            let blocks = peers[place].session.choked()
            picker?.abandoned(blocks)
            picker?.released(by: peers[place].handle)
            forgiveRejects(of: place, now: now)
        case .reject(let block): rejectReceived(block, from: place, now: now, into: &outbox)
        case .allowedFast(let piece): allowedFastReceived(piece, from: place, now: now, into: &outbox)
        case .suggest: break
        case .unchoke:
            peers[place].isChokingUs = false
            peers[place].idleGeneration = nil
            restartClocks(of: place, now: now)
        case .interested:
            peers[place].isInterestedInUs = true
            serveIfRoom(place, now: now, into: &outbox)
        case .notInterested:
            peers[place].isInterestedInUs = false
            lostInterest(place, now: now, into: &outbox)
        case .have(let piece): haveReceived(piece, from: place, now: now, into: &outbox)
        case .bitfield(let range): bitfieldReceived(.bits(bytes.copy(range)), from: place, now: now, into: &outbox)
        case .haveAll: bitfieldReceived(.everything, from: place, now: now, into: &outbox)
        case .haveNone: bitfieldReceived(.nothing, from: place, now: now, into: &outbox)
        case .request(let block): requestReceived(block, from: place, now: now, into: &outbox)
        case .cancel(let block): cancelReceived(block, from: place, now: now, into: &outbox)
        case .port(let port):
            portReceived(port, from: place, now: now, into: &outbox)
        case .extended(let id, let payload):
            extendedReceived(id, bytes, payload, from: place, now: now, into: &outbox)
        }
    }

    /// A peer says where its DHT node is (BEP 5): once, or again when its port has changed.
    private mutating func portReceived(_ port: UInt16, from place: Int, now: Instant, into outbox: inout Outbox) {
        guard port != 0, peers[place].portHeardAt.map({ $0 + Self.portInterval <= now }) ?? true else { return }
        peers[place].portHeardAt = now
        var contact = peers[place].endpoint
        contact.port = port
        outbox.contacts.append(contact)
    }

    private mutating func haveReceived(_ piece: Int, from place: Int, now: Instant, into outbox: inout Outbox) {
        // In place: a copy of the picker or of the peer for each `have` would be felt.
        guard peers[place].pieces != nil else {
            // More haves than this before the metadata are lost, which costs a few pieces of one peer.
            if peers[place].earlyHaves.count < Self.earlyHavesMax { peers[place].earlyHaves.append(piece) }
            return
        }
        guard peers[place].lacks(piece) else { return }
        peers[place].pieces?[piece] = true
        if let pieces = peers[place].pieces { picker?.peerGained(piece, having: pieces) }
        // In place: a copy of the picker for each `have` of each peer would be felt.
        guard picker?.lacks(piece) == true else { return dropIfRedundant(place, now: now, into: &outbox) }
        peers[place].idleGeneration = nil
        setInterest(true, of: place, now: now, into: &outbox)
    }

    private mutating func bitfieldReceived(
        _ early: Peer.EarlyPieces, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        guard let info else {
            peers[place].earlyBitfield = early
            peers[place].earlyHaves = []
            return
        }
        let pieces: Bitfield? =
            switch early {
            case .everything: Bitfield(filled: info.pieceCount)
            case .nothing: Bitfield(count: info.pieceCount)
            case .bits(let bytes): Bitfield(bytes.span.bytes, count: info.pieceCount)
            }
        guard let pieces else {
            return lose(peers[place].handle, .protocolViolation(nil), closing: true, now: now, into: &outbox)
        }
        if let before = peers[place].pieces { picker?.peerLeft(having: before) }
        picker?.released(by: peers[place].handle)
        peers[place].pieces = pieces
        peers[place].refused = []
        picker?.peerJoined(having: pieces)
        peers[place].idleGeneration = nil
        updateInterest(of: place, now: now, into: &outbox)
        dropIfRedundant(place, now: now, into: &outbox)
    }

    mutating func send(_ message: OutgoingMessage, to place: Int, now: Instant, into outbox: inout Outbox) {
        peers[place].lastSentAt = now
        outbox.send(to: peers[place].handle) { message.encode(into: &$0) }
    }

    private static let earlyHavesMax = 10_000
    /// The least time between two PORT messages of a connection that are heard.
    private static let portInterval = Duration.seconds(60)
}
