import Metainfo
import PeerProtocol
package import Primitives

/// Fetching pieces: interest, requests, payload, verdicts of the storage.
extension Swarm {
    /// The storage has checked what is on disk; `have` is as long as the torrent has pieces.
    package mutating func storageOpened(have: Bitfield, now: Instant, into outbox: inout Outbox) {
        guard let info, let selected, picker == nil, !hasFailed else { return }
        let order: PiecePicker.Order =
            identity.isSequential ? .sequential : configuration.picksRarestFirst ? .rarestFirst : .random
        picker = PiecePicker(info: info, have: have, wanted: selected.pieces, order: order)
        verifiedBytes = have.setIndices.reduce(0) { $0 + selected.bytes(ofPiece: $1) }
        report(.storageOpened(verifiedPieces: have.setCount), into: &outbox)
        for place in peers.indices where peers[place].isOpen {
            // Too late for a bitfield, which must follow the handshake.
            for piece in have.setIndices { send(.have(piece), to: place, now: now, into: &outbox) }
            if let pieces = peers[place].pieces { picker?.peerJoined(having: pieces) }
            serveIfRoom(place, now: now, into: &outbox)
            updateInterest(of: place, now: now, into: &outbox)
            fillRequests(place, now: now, into: &outbox)
        }
        if picker?.isComplete == true { completed(now: now, into: &outbox) }
    }

    /// The files cannot be used or written: nothing more is fetched or served.
    package mutating func storageFailed(now: Instant, into outbox: inout Outbox) {
        guard !hasFailed else { return }
        report(.storageFailed, into: &outbox)
        close(now: now, into: &outbox)
    }

    package mutating func pieceVerified(_ piece: Int, now: Instant, into outbox: inout Outbox) {
        guard picker?.verified(piece) != nil else { return }
        verifiedBytes += selected?.bytes(ofPiece: piece) ?? 0
        compareWithFailures(of: piece, into: &outbox)
        report(.pieceVerified(piece), into: &outbox)
        let start = outbox.bytes.count
        OutgoingMessage.have(piece).encode(into: &outbox.bytes)
        for place in peers.indices where peers[place].phase == .open {
            // Nil before the peer's pieces are known, when all haves are news to it.
            guard peers[place].pieces == nil || peers[place].lacks(piece) else { continue }
            peers[place].lastSentAt = now
            outbox.actions.append(.send(peers[place].handle, start..<outbox.bytes.count))
        }
        if picker?.isComplete == true { completed(now: now, into: &outbox) }
    }

    /// `blocks` are digests of what was there, block by block.
    package mutating func pieceFailed(
        _ piece: Int, blocks: [BlockDigest], now: Instant, into outbox: inout Outbox
    ) {
        guard let gift = picker?.failed(piece) else { return }
        remember(piece, blocks, gift)
        counters.wastedBytes += picker?.length(ofPiece: piece) ?? 0
        report(.pieceFailed(piece), into: &outbox)
        // Who gave all of it is the liar; of several it will show once the piece is right.
        if gift.contributors.count == 1 {
            lose(gift.contributors[0], .badData, closing: true, now: now, into: &outbox)
        }
        for place in peers.indices { fillRequests(place, now: now, into: &outbox) }
        connectMore(now: now, into: &outbox)
    }

    /// Bytes that the storage holds and has not yet written.
    ///
    /// Above the limit nothing more is read from peers.
    package mutating func storageBacklogChanged(bytes: Int, now: Instant, into outbox: inout Outbox) {
        if !isReadingPaused, bytes > configuration.storageBacklogBytesMax {
            readingPausedAt = now
            outbox.actions.append(.pauseReading(torrent))
        } else if isReadingPaused, bytes <= configuration.storageBacklogBytesResumed {
            // Who has delivered could not go on: those are not read from. Clocks go on where they stood; begun anew,
            // short pauses without end would keep a silent peer for ever.
            let pause = readingPausedAt.map { now - $0 } ?? .zero
            readingPausedAt = nil
            for place in peers.indices where peers[place].receivedBytes > 0 {
                peers[place].readingPaused(for: pause, now: now)
            }
            outbox.actions.append(.resumeReading(torrent))
        }
    }

    struct Payload {
        let block: BlockRequest
        /// Where in the block these bytes begin.
        let offset: Int
        /// Where they lie in the received bytes.
        let range: Range<Int>
        let isLast: Bool
    }

    mutating func payloadReceived(
        _ payload: Payload, isRequested: Bool, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        let block = payload.block
        if payload.isLast { _ = peers[place].answeredCancel(of: block) }
        counters.downloadedBytes += payload.range.count
        downloadMeter.add(payload.range.count, now: now)
        peers[place].receivedBytes += payload.range.count
        guard isRequested, picker?.isWanted(block) == true else {
            counters.wastedBytes += payload.range.count
            return
        }
        peers[place].lastProgressAt = now
        peers[place].receivedInRound += payload.range.count
        let requestedAt = payload.isLast ? peers[place].session.outstanding.latestRequestedAt : nil
        peers[place].pipeline.passed(payload.range.count, since: requestedAt, now: now)
        outbox.actions.append(
            .store(
                torrent, piece: block.piece, offset: block.offset + payload.offset, from: peers[place].handle,
                range: payload.range))
        picker?.touched(block, by: peers[place].handle)
        guard payload.isLast else { return }
        peers[place].lastBlockAt = now
        noteBlock(from: place, now: now)
        peers[place].silencesTaken = 0
        peers[place].hasSnubbedUs = false
        let receipt = picker?.received(block, from: peers[place].handle)
        if case .needed(others: true, _) = receipt { cancelElsewhere(block, except: place, now: now, into: &outbox) }
    }

    /// The end game asked others for the same block.
    private mutating func cancelElsewhere(
        _ block: BlockRequest, except place: Int, now: Instant, into outbox: inout Outbox
    ) {
        for other in peers.indices where other != place { cancel(block, of: other, now: now, into: &outbox) }
    }

    /// More cancels of one block than a peer can be silent for; who answers none has no more rejects passed over.
    private static let cancelsMax = 8

    /// Takes a request back, if it was made; a block that is on its way already is not wanted any more.
    mutating func cancel(_ block: BlockRequest, of place: Int, now: Instant, into outbox: inout Outbox) {
        guard peers[place].session.cancelled(block) else { return }
        send(.cancel(block), to: place, now: now, into: &outbox)
        guard peers[place].session.isFast else { return }
        // Answered by the block or by a reject (BEP 6), which is then no word about a later request.
        if peers[place].cancelled.count >= configuration.requestsMax { peers[place].cancelled = [:] }
        peers[place].cancelled[block] = min((peers[place].cancelled[block] ?? 0) + 1, Self.cancelsMax)
    }

    mutating func updateInterest(of place: Int, now: Instant, into outbox: inout Outbox) {
        guard let picker, let pieces = peers[place].pieces else { return }
        setInterest(picker.missing.overlaps(pieces), of: place, now: now, into: &outbox)
    }

    mutating func setInterest(_ isInterested: Bool, of place: Int, now: Instant, into outbox: inout Outbox) {
        guard peers[place].areWeInterested != isInterested else { return }
        peers[place].areWeInterested = isInterested
        send(isInterested ? .interested : .notInterested, to: place, now: now, into: &outbox)
    }

    /// From now on the peer has its time again to give what was asked of it.
    mutating func restartClocks(of place: Int, now: Instant) {
        peers[place].lastProgressAt = now
        peers[place].lastBlockAt = now
        noteBlock(from: place, now: now)
    }

    private mutating func completed(now: Instant, into outbox: inout Outbox) {
        report(.completed, into: &outbox)
        for place in peers.indices where peers[place].isOpen { setInterest(false, of: place, now: now, into: &outbox) }
        for handle in peers.filter({ $0.isOpen && $0.wantsNothing }).map(\.handle) {
            lose(handle, .redundant, closing: true, now: now, into: &outbox)
        }
        repeatExtensionHandshake(now: now, into: &outbox)
    }

    /// Two that want nothing have nothing to say to each other (BEP 21).
    mutating func dropIfRedundant(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard picker?.isComplete == true, peers[place].wantsNothing else { return }
        lose(peers[place].handle, .redundant, closing: true, now: now, into: &outbox)
    }
}
