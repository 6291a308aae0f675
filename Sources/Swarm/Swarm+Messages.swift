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
        fault == .selfConnection ? .ourselves : .protocolViolation(fault)
    }

    private mutating func messageReceived(
        _ message: Message, _ bytes: RawSpan, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        guard !carriesNothing(message, from: place) || tolerates(place, now: now, into: &outbox) else { return }
        switch message {
        case .keepAlive, .unknown, .suggest: break
        case .choke: chokeReceived(from: place, now: now, into: &outbox)
        case .reject(let block): rejectReceived(block, from: place, now: now, into: &outbox)
        case .allowedFast(let piece): allowedFastReceived(piece, from: place, now: now, into: &outbox)
        case .unchoke: unchokeReceived(from: place, now: now)
        case .interested: interestChanged(true, of: place, now: now, into: &outbox)
        case .notInterested: interestChanged(false, of: place, now: now, into: &outbox)
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

    /// Whether the message is one that a peer could send without end at no cost, and that tells nothing new.
    ///
    /// Requests, cancels, answers to requests and extended messages are judged where they are handled.
    private mutating func carriesNothing(_ message: Message, from place: Int) -> Bool {
        switch message {
        case .request, .cancel, .extended: false
        case .reject(let block):
            !peers[place].session.outstanding.contains(block) && peers[place].cancelled[block] == nil
        case .have(let piece):
            peers[place].pieces == nil
                ? peers[place].earlyHaves.count >= Self.earlyHavesMax : !peers[place].lacks(piece)
        default: true
        }
    }

    private mutating func chokeReceived(from place: Int, now: Instant, into outbox: inout Outbox) {
        guard !peers[place].isChokingUs else { return }
        let wasAsked = peers[place].owedBlocks > 0 || !peers[place].refused.isEmpty
        peers[place].isChokingUs = true
        let partial = peers[place].session.partial
        let blocks = peers[place].session.choked()
        requestsEnded(
            blocks, partial: partial, of: peers[place].handle, isDoubted: peers[place].trust.isDoubted, into: &outbox)
        release(place)
        forgiveRejects(of: place, now: now)
        changeTrust(of: place) { _ = $0.choked(wasAsked: wasAsked, now: now) }
        if wasAsked { wakeIdle(now: now, into: &outbox) }
    }

    private mutating func unchokeReceived(from place: Int, now: Instant) {
        guard peers[place].isChokingUs else { return }
        peers[place].isChokingUs = false
        peers[place].idleGeneration = nil
        peers[place].trust.unchoked()
        // A doubted peer would get more time for what it owes by each choke.
        if !peers[place].trust.isDoubted { restartClocks(of: place, now: now) }
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
        peers[place].withoutRefused?[piece] = true
        picker?.peerGained(piece)
        guard picker?.lacks(piece) == true else { return dropIfRedundant(place, now: now, into: &outbox) }
        peers[place].idleGeneration = nil
        setInterest(true, of: place, now: now, into: &outbox)
    }

    /// Pieces are only added.
    ///
    /// BEP 3 wants one bitfield, BEP 6 one message of its kind, right after the handshake. But some peers send theirs
    /// when they have the metadata, and aria2 sends another one in place of many haves.
    private mutating func bitfieldReceived(
        _ early: Peer.EarlyPieces, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        guard let info else { return noteEarly(early, from: place) }
        let known = peers[place].pieces ?? Bitfield(count: info.pieceCount)
        let pieces: Bitfield
        switch early {
        case .nothing: return
        case .everything: pieces = known.isFull ? known : Bitfield(filled: info.pieceCount)
        case .bits(let bytes):
            guard let bits = Bitfield(bytes.span.bytes, count: info.pieceCount) else {
                return lose(peers[place].handle, .protocolViolation(nil), closing: true, now: now, into: &outbox)
            }
            pieces = known.isEmpty ? bits : known.union(bits)
        }
        guard pieces.setCount > known.setCount else { return }
        count(pieces, of: place, before: known)
        peers[place].idleGeneration = nil
        updateInterest(of: place, now: now, into: &outbox)
        dropIfRedundant(place, now: now, into: &outbox)
    }

    /// Counts what the peer has more than before, at the cost of the difference or of one count of all.
    private mutating func count(_ pieces: Bitfield, of place: Int, before known: Bitfield) {
        peers[place].pieces = pieces
        let gained = pieces.setCount - known.setCount
        if known.isEmpty || pieces.isFull {
            picker?.peerLeft(having: known, counted: peers[place].counting)
            if let counting = picker?.peerJoined(having: pieces) { peers[place].counting = counting }
        } else if gained > 0 {
            for piece in pieces.subtracting(known).setIndices { picker?.peerGained(piece) }
        }
        recountRefused(of: place)
    }

    private mutating func noteEarly(_ early: Peer.EarlyPieces, from place: Int) {
        switch (early, peers[place].earlyBitfield) {
        case (_, .everything), (.nothing, .some): return
        default: peers[place].earlyBitfield = early
        }
    }

    mutating func send(_ message: OutgoingMessage, to place: Int, now: Instant, into outbox: inout Outbox) {
        peers[place].lastSentAt = now
        outbox.send(to: peers[place].handle) { message.encode(into: &$0) }
    }

    private static let earlyHavesMax = 10_000
    /// The least time between two PORT messages of a connection that are heard.
    private static let portInterval = Duration.seconds(60)
}
