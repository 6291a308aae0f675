import PeerProtocol
package import Primitives

/// Fetching pieces: interest, requests, payload, verdicts of the storage.
extension Swarm {
    /// The storage has checked what is on disk; `have` is as long as the torrent has pieces.
    package mutating func storageOpened(have: Bitfield, now: Instant, into outbox: inout Outbox) {
        guard let info, picker == nil, !hasFailed else { return }
        let order: PiecePicker.Order =
            identity.isSequential ? .sequential : configuration.picksRarestFirst ? .rarestFirst : .random
        picker = PiecePicker(info: info, have: have, order: order)
        report(.storageOpened(verifiedPieces: have.setCount), into: &outbox)
        for place in peers.indices where peers[place].isOpen {
            // Too late for a bitfield, which must follow the handshake.
            for piece in have.setIndices { send(.have(piece), to: place, now: now, into: &outbox) }
            if let pieces = peers[place].pieces { picker?.peerJoined(having: pieces) }
            serveIfRoom(place, now: now, into: &outbox)
            updateInterest(of: place, now: now, into: &outbox)
            fillRequests(place, now: now, into: &outbox)
        }
        if have.isFull { completed(now: now, into: &outbox) }
    }

    /// The files cannot be used or written: nothing more is fetched or served.
    package mutating func storageFailed(now: Instant, into outbox: inout Outbox) {
        guard !hasFailed else { return }
        report(.storageFailed, into: &outbox)
        close(now: now, into: &outbox)
    }

    package mutating func pieceVerified(_ piece: Int, now: Instant, into outbox: inout Outbox) {
        guard picker?.verified(piece) != nil else { return }
        compareWithFailures(of: piece, into: &outbox)
        report(.pieceVerified(piece), into: &outbox)
        let start = outbox.bytes.count
        OutgoingMessage.have(piece).encode(into: &outbox.bytes)
        for place in peers.indices where peers[place].isOpen && peers[place].pieces?[piece] != true {
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
            isReadingPaused = true
            outbox.actions.append(.pauseReading(torrent))
        } else if isReadingPaused, bytes <= configuration.storageBacklogBytesMax / 2 {
            isReadingPaused = false
            // No peer could deliver meanwhile: its clock starts again.
            for place in peers.indices { restartClocks(of: place, now: now) }
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
        counters.downloadedBytes += payload.range.count
        downloadMeter.add(payload.range.count, now: now)
        peers[place].receivedBytes += payload.range.count
        guard isRequested, picker?.isWanted(block) == true else {
            counters.wastedBytes += payload.range.count
            return
        }
        peers[place].lastProgressAt = now
        peers[place].receivedInRound += payload.range.count
        peers[place].pipeline.received(payload.range.count, completesBlock: payload.isLast, now: now)
        outbox.actions.append(
            .store(
                torrent, piece: block.piece, offset: block.offset + payload.offset, from: peers[place].handle,
                range: payload.range))
        picker?.touched(block, by: peers[place].handle)
        guard payload.isLast else { return }
        peers[place].lastBlockAt = now
        let receipt = picker?.received(block, from: peers[place].handle)
        if case .needed(others: true, _) = receipt { cancelElsewhere(block, except: place, now: now, into: &outbox) }
    }

    /// The end game asked others for the same block.
    private mutating func cancelElsewhere(
        _ block: BlockRequest, except place: Int, now: Instant, into outbox: inout Outbox
    ) {
        for other in peers.indices where other != place && peers[other].session.cancelled(block) {
            send(.cancel(block), to: other, now: now, into: &outbox)
        }
    }

    /// Keeps the peer's queue as deep as its pipeline says.
    mutating func fillRequests(_ place: Int, now: Instant, into outbox: inout Outbox) {
        // The picker and the session are used in place: a copy held here would make each change copy its tables.
        guard let generation = picker?.generation, peers[place].isOpen, peers[place].areWeInterested,
            let pieces = peers[place].isChokingUs ? piecesWhileChoked(place) : peers[place].pieces
        else { return }
        let outstanding = peers[place].session.outstanding.count
        let wanted = peers[place].pipeline.target - outstanding
        guard wanted > 0, peers[place].idleGeneration != generation else { return }
        let room = mayRequest(wanted, blockLength: BlockRequest.usualLength, into: &outbox)
        guard room > 0 else { return }

        var blocks: [BlockRequest] = []
        var current = peers[place].currentPiece
        let endGame = EndGame(
            blocks: outstanding == 0 ? configuration.endGameRequestsMax : 0, copies: configuration.duplicateRequestsMax)
        picker?.pick(
            room, for: peers[place].handle, having: pieces, current: &current, endGame: endGame,
            outstanding: peers[place].session.outstanding, using: &generator, into: &blocks)
        peers[place].currentPiece = current
        guard !blocks.isEmpty else {
            if outstanding == 0 { peers[place].idleGeneration = picker?.generation }
            return
        }
        if outstanding == 0 { restartClocks(of: place, now: now) }
        peers[place].lastSentAt = now
        for block in blocks { peers[place].session.requested(block, now: now) }
        allowance.download? -= blocks.reduce(0) { $0 + $1.length }
        outbox.send(to: peers[place].handle) { bytes in
            for block in blocks { OutgoingMessage.request(block).encode(into: &bytes) }
        }
    }

    mutating func updateInterest(of place: Int, now: Instant, into outbox: inout Outbox) {
        guard let picker, let pieces = peers[place].pieces else { return }
        setInterest(picker.have.lacksAny(of: pieces), of: place, now: now, into: &outbox)
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
    }

    private mutating func completed(now: Instant, into outbox: inout Outbox) {
        report(.completed, into: &outbox)
        for place in peers.indices where peers[place].isOpen { setInterest(false, of: place, now: now, into: &outbox) }
        for handle in peers.filter({ $0.isOpen && $0.wantsNothing }).map(\.handle) {
            lose(handle, .redundant, closing: true, now: now, into: &outbox)
        }
    }

    /// Two that want nothing have nothing to say to each other (BEP 21).
    mutating func dropIfRedundant(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard picker?.isComplete == true, peers[place].wantsNothing else { return }
        lose(peers[place].handle, .redundant, closing: true, now: now, into: &outbox)
    }
}
