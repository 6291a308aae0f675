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
            announce(have, to: place, now: now, into: &outbox)
            if let pieces = peers[place].pieces, let counting = picker?.peerJoined(having: pieces) {
                peers[place].counting = counting
            }
            serveIfRoom(place, now: now, into: &outbox)
            updateInterest(of: place, now: now, into: &outbox)
            fillRequests(place, now: now, into: &outbox)
        }
        if picker?.isComplete == true { completed(now: now, into: &outbox) }
    }

    /// Tells a peer that came before the files were checked what is there.
    ///
    /// BEP 3 wants a bitfield right after the handshake. But peers take one later, as aria2 sends it in place of many
    /// haves, and a have for each of a million pieces would be 9 MB to each peer.
    private mutating func announce(_ have: Bitfield, to place: Int, now: Instant, into outbox: inout Outbox) {
        if have.isFull, peers[place].session.isFast {
            send(.haveAll, to: place, now: now, into: &outbox)
        } else if have.setCount > Self.lateHavesMax {
            send(.bitfield(have), to: place, now: now, into: &outbox)
        } else {
            for piece in have.setIndices { send(.have(piece), to: place, now: now, into: &outbox) }
        }
    }

    /// Haves sent one by one to a peer that came before the files were checked: 9 KB at most.
    private static let lateHavesMax = 1_000

    /// The files cannot be used or written: nothing more is fetched or served.
    package mutating func storageFailed(now: Instant, into outbox: inout Outbox) {
        guard !hasFailed else { return }
        report(.storageFailed, into: &outbox)
        close(now: now, into: &outbox)
    }

    package mutating func pieceVerified(_ piece: Int, now: Instant, into outbox: inout Outbox) {
        guard let gift = picker?.verified(piece) else { return }
        for giver in gift.contributors {
            if let place = places[giver] { peers[place].trust.verifiedPieces += 1 }
        }
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
        guard let gift = picker?.failed(piece, now: now) else { return }
        remember(piece, blocks, gift)
        counters.wastedBytes += picker?.length(ofPiece: piece) ?? 0
        report(.pieceFailed(piece), into: &outbox)
        // The only giver of all of it lies; of several it will show once the piece is right.
        if gift.contributors.count == 1 {
            condemn(gift.contributors[0], at: gift.endpoints[gift.contributors[0]], now: now, into: &outbox)
        } else {
            disownUnproved(into: &outbox)
        }
        wakeIdle(now: now, into: &outbox)
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
        if isRequested {
            if peers[place].trust.isDoubted { allowance.download? -= payload.range.count }
        } else {
            guard mayComeUnasked(payload, from: place, now: now, into: &outbox) else { return }
        }
        guard isRequested, admits(payload, from: place, now: now, into: &outbox) else {
            counters.wastedBytes += payload.range.count
            if isRequested, payload.isLast {
                // It was another's to give until now: if that one does not, there must be a request left.
                picker?.abandoned(CollectionOfOne(block), isDoubted: peers[place].trust.isDoubted)
            }
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
        guard payload.isLast else { return }
        blockReceived(block, from: place, now: now, into: &outbox)
    }

    /// Whether payload that is not asked for now is put up with; the connection of a peer that pushes it ends.
    ///
    /// What was asked for and taken back counts for the download limit. What never was does not: a peer could keep us
    /// from asking anything of others.
    private mutating func mayComeUnasked(
        _ payload: Payload, from place: Int, now: Instant, into outbox: inout Outbox
    ) -> Bool {
        let count = payload.range.count
        let expected = min(count, peers[place].takenBackBytes)
        peers[place].takenBackBytes -= expected
        allowance.download? -= expected
        peers[place].unaskedBytesLeft -= count - expected
        guard peers[place].unaskedBytesLeft >= 0 else {
            counters.wastedBytes += count
            counters.floods += 1
            lose(peers[place].handle, .protocolViolation(.tooManyMessages), closing: true, now: now, into: &outbox)
            return false
        }
        return count > 0 || tolerates(place, now: now, into: &outbox)
    }

    private mutating func blockReceived(
        _ block: BlockRequest, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        peers[place].lastBlockAt = now
        let isFirst = peers[place].trust.givenBlocks == 0
        noteBlock(block.length, from: place, now: now)
        peers[place].hasSnubbedUs = false
        // Before it is trusted again: its request was counted as that of a doubted peer.
        let receipt = picker?.received(block, from: peers[place].handle)
        if peers[place].trust.isDoubted {
            changeTrust(of: place) { $0.gaveBlock() }
        } else {
            peers[place].trust.gaveBlock()
        }
        if case .needed(let others, _) = receipt, others > 0 {
            cancelElsewhere(block, copies: others, except: place, now: now, into: &outbox)
        }
        if isFirst { dropTwin(of: place, now: now, into: &outbox) }
    }

    /// Whether a part of a block is to be stored: a block has one giver, so that it shows which peer lies.
    ///
    /// Of two that give the same block at once the first stays, unless it does not give and the other does, or the
    /// other has all of it.
    private mutating func admits(
        _ payload: Payload, from place: Int, now: Instant, into outbox: inout Outbox
    ) -> Bool {
        let peer = peers[place].handle
        guard let writer = picker?.writer(of: payload.block), writer != .unwanted else { return false }
        guard writer != .peer(peer) else { return true }
        // Else its beginning was not stored.
        guard payload.offset == 0 else { return false }
        if case .peer(let other) = writer {
            guard mayReplace(other, by: place, isWhole: payload.isLast, now: now) else { return false }
            if let slower = places[other] {
                cancel(payload.block, of: slower, now: now, into: &outbox)
                picker?.abandoned(CollectionOfOne(payload.block), isDoubted: peers[slower].trust.isDoubted)
            }
        }
        picker?.write(payload.block, by: peer, at: peers[place].endpoint)
        return true
    }

    private mutating func mayReplace(_ giver: PeerHandle, by place: Int, isWhole: Bool, now: Instant) -> Bool {
        guard let other = places[giver] else { return true }
        if isWhole { return true }
        guard !peers[other].trust.isGiver else { return false }
        return peers[place].trust.isGiver || isDripping(other, now: now)
    }

    /// Whether the block that the peer is giving would take longer than a peer may be silent.
    private mutating func isDripping(_ place: Int, now: Instant) -> Bool {
        guard peers[place].trust.isDoubted, let partial = peers[place].session.partial else { return false }
        let time = (now - peers[place].lastBlockAt).inSeconds
        return Double(partial.received) / max(time, 1) < Self.dripBytesPerSecond
    }

    /// A block takes half a minute at this rate.
    private static let dripBytesPerSecond = 512.0

    /// So many other peers were asked for the same block.
    private mutating func cancelElsewhere(
        _ block: BlockRequest, copies: Int, except place: Int, now: Instant, into outbox: inout Outbox
    ) {
        var left = copies
        for other in peers.indices where other != place && left > 0 {
            if cancel(block, of: other, now: now, into: &outbox) { left -= 1 }
        }
    }

    /// More cancels of one block than a peer can be silent for; who answers none has no more rejects passed over.
    private static let cancelsMax = 8

    /// Takes a request back, if it was made; a block that is on its way already is not wanted any more.
    ///
    /// Returns whether it was made.
    @discardableResult
    mutating func cancel(_ block: BlockRequest, of place: Int, now: Instant, into outbox: inout Outbox) -> Bool {
        let partial = peers[place].session.partial
        guard peers[place].session.cancelled(block) else { return false }
        requestsNotAnswered(
            [block], partial: partial, of: peers[place].handle, isDoubted: peers[place].trust.isDoubted, into: &outbox)
        send(.cancel(block), to: place, now: now, into: &outbox)
        guard peers[place].session.isFast else { return true }
        // Answered by the block or by a reject (BEP 6), which is then no word about a later request.
        if peers[place].cancelled.count >= configuration.requestsMax { peers[place].cancelled = [:] }
        peers[place].cancelled[block] = min((peers[place].cancelled[block] ?? 0) + 1, Self.cancelsMax)
        return true
    }

    mutating func updateInterest(of place: Int, now: Instant, into outbox: inout Outbox) {
        guard let picker, let pieces = peers[place].pieces else { return }
        setInterest(picker.missing.intersects(pieces), of: place, now: now, into: &outbox)
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
        for handle in handles {
            guard let place = places[handle], peers[place].isOpen, peers[place].wantsNothing else { continue }
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
