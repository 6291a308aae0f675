import DequeModule
import Metainfo
package import PeerProtocol
package import Primitives

/// Serving pieces to those that the choker has chosen.
extension Swarm {
    /// The driver has written a block to the peer, or dropped it with the connection.
    package mutating func blockSent(
        _ block: BlockRequest, to handle: PeerHandle, now: Instant, into outbox: inout Outbox
    ) {
        counters.uploadedBytes += block.length
        uploadMeter.add(block.length, now: now)
        guard let place = places[handle] else { return }
        peers[place].uploadInFlightBytes -= block.length
        counters.uploadInFlightBytes -= block.length
        peers[place].uploadPipeline.passed(block.length, since: peers[place].uploadsInFlight.popFirst(), now: now)
        // What was given back meanwhile is charged again, now that it is sent.
        let charged = min(block.length, peers[place].chargedInFlight)
        peers[place].chargedInFlight -= charged
        allowance.upload? -= block.length - charged
        // A place is not kept by taking crumbs.
        if !isCrumb(block) { peers[place].lastTakenAt = now }
        peers[place].sentInTurn += block.length
        peers[place].lastSentAt = now
        pumpUploads(place, now: now, into: &outbox)
    }

    /// A block that was to be sent cannot be read: the peer may ask another.
    package mutating func blockUnreadable(
        _ block: BlockRequest, to handle: PeerHandle, now: Instant, into outbox: inout Outbox
    ) {
        guard let place = places[handle] else { return }
        peers[place].uploadInFlightBytes -= block.length
        counters.uploadInFlightBytes -= block.length
        let charged = min(block.length, peers[place].chargedInFlight)
        peers[place].chargedInFlight -= charged
        allowance.upload? += charged
        _ = peers[place].uploadsInFlight.popFirst()
        reject(block, to: place, now: now, into: &outbox)
        pumpUploads(place, now: now, into: &outbox)
    }

    mutating func interestChanged(
        _ isInterested: Bool, of place: Int, now: Instant, into outbox: inout Outbox
    ) {
        guard peers[place].isInterestedInUs != isInterested,
            tolerates(place, cost: Self.interestCost, now: now, into: &outbox)
        else { return }
        peers[place].isInterestedInUs = isInterested
        if isInterested {
            serveIfRoom(place, now: now, into: &outbox)
        } else {
            lostInterest(place, now: now, into: &outbox)
        }
    }

    /// A peer has become interested: a place that is free is its at once, if its host used those that it had.
    mutating func serveIfRoom(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard configuration.servesPeers, picker != nil, peers[place].isWaitingForPieces, peers[place].isChokedByUs,
            choker.hasRoom(besides: counters.unchoked),
            unusedTurnCount(of: place, now: now) == 0
        else { return }
        unchoke(place, now: now, into: &outbox)
    }

    /// Gives the places anew, when it is time.
    mutating func rechokeIfDue(now: Instant, into outbox: inout Outbox) {
        guard configuration.servesPeers, let picker, choker.isDue(now: now) else { return }
        let rivals = peers.indices.filter { peers[$0].isOpen }.map { rival($0, now: now) }
        let decision = choker.round(rivals, isSeeding: picker.isComplete, now: now, using: &generator)
        for place in peers.indices { peers[place].roundEnded() }
        for handle in decision.choke {
            if let place = places[handle] { choke(place, now: now, into: &outbox) }
        }
        for handle in decision.unchoke {
            if let place = places[handle] { unchoke(place, now: now, into: &outbox) }
        }
    }

    private func rival(_ place: Int, now: Instant) -> Choker.Rival {
        let peer = peers[place]
        var rival = Choker.Rival(peer: peer.handle, connectedAt: peer.phaseSince)
        rival.host = peer.endpoint.holder
        rival.isInterested = peer.isWaitingForPieces
        rival.isUnchoked = !peer.isChokedByUs
        rival.received = peer.receivedInRound
        rival.sentInTurn = peer.sentInTurn
        rival.isSnubbing = peer.hasSnubbedUs
        rival.changedAt = peer.chokeChangedAt ?? peer.phaseSince
        rival.isIdle = isUnused(place, now: now)
        rival.unusedTurns = unusedTurnCount(of: place, now: now)
        return rival
    }

    mutating func unchoke(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard peers[place].isChokedByUs else { return }
        peers[place].isChokedByUs = false
        peers[place].chokeChangedAt = now
        peers[place].sentInTurn = 0
        peers[place].lastTakenAt = now
        counters.unchoked += 1
        send(.unchoke, to: place, now: now, into: &outbox)
    }

    mutating func choke(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard !peers[place].isChokedByUs else { return }
        peers[place].isChokedByUs = true
        peers[place].chokeChangedAt = now
        counters.unchoked -= 1
        send(.choke, to: place, now: now, into: &outbox)
        let granted = peers[place].fastGrants
        for block in peers[place].uploads.blocks where !granted.contains(block.piece) {
            peers[place].uploads.remove(block)
            reject(block, to: place, now: now, into: &outbox)
        }
    }

    /// A peer wants nothing any more: its place goes to one that waits.
    mutating func lostInterest(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard !peers[place].isChokedByUs else { return }
        choke(place, now: now, into: &outbox)
        if configuration.servesPeers, picker != nil { fillPlaces(now: now, into: &outbox) }
    }

    /// What cannot be served is rejected (BEP 6), or passed over in silence where the peer would not understand.
    mutating func requestReceived(
        _ block: BlockRequest, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        let isChoked = peers[place].isChokedByUs
        guard picker?.has(block.piece) == true, !isChoked || servesFast(block, to: place, now: now),
            peers[place].uploads.count < configuration.uploadQueueMax
        else {
            let cost = isChoked && !mayNotKnowOfChoke(place, now: now) ? Self.chokedRequestCost : 1
            guard tolerates(place, cost: cost, now: now, into: &outbox), !peers[place].uploads.contains(block)
            else { return }
            return reject(block, to: place, now: now, into: &outbox)
        }
        // It is read and sent like a block, which costs more than the message alone.
        guard !isCrumb(block) || tolerates(place, cost: Self.crumbCost, now: now, into: &outbox) else { return }
        // Asked for twice, it is given once.
        guard peers[place].uploads.append(block, at: now) else {
            return _ = tolerates(place, now: now, into: &outbox)
        }
        if isChoked {
            peers[place].fastServedBytes += block.length
            fastServed.add(block.length, to: peers[place].endpoint, now: now)
        }
        pumpUploads(place, now: now, into: &outbox)
    }

    /// Whether the peer was choked so lately that it may have made its requests before.
    private func mayNotKnowOfChoke(_ place: Int, now: Instant) -> Bool {
        peers[place].chokeChangedAt.map { now - $0 < Self.chokeDelayMax } ?? false
    }

    /// Whether a request is for far less than peers ask for at a time, and does not end its piece.
    ///
    /// It costs as much as one for a whole block, and moves next to nothing.
    private func isCrumb(_ block: BlockRequest) -> Bool {
        guard block.length < Self.crumbBytesMax, let info else { return false }
        return block.offset + block.length < info.length(ofPiece: block.piece)
    }

    /// A sixteenth of what clients ask for at a time.
    private static let crumbBytesMax = BlockRequest.usualLength / 16
    /// In messages that change nothing.
    private static let crumbCost = 16
    /// What a request of a peer costs that knows that it is choked: no client makes many of those.
    private static let chokedRequestCost = 8
    /// As long as a choke may be on its way, behind blocks in the socket.
    private static let chokeDelayMax: Duration = .seconds(10)
    /// What a change of interest costs beside the message, which is put up with: places are given anew each time.
    private static let interestCost = 4

    /// Whether a choked peer is given a block all the same: while it has nothing to trade, and few others are.
    private func servesFast(_ block: BlockRequest, to place: Int, now: Instant) -> Bool {
        let setLength = configuration.allowedFastCount * (info?.pieceLength ?? 0)
        guard peers[place].fastGrants.contains(block.piece),
            (peers[place].pieces?.setCount ?? 0) < configuration.allowedFastCount,
            // Each peer is given the set twice at most: one that claims to have nothing could fetch it without end.
            peers[place].fastServedBytes < 2 * setLength,
            fastServed.amount(of: peers[place].endpoint, now: now) < configuration.allowedFastPerHostMax * setLength
        else { return false }
        guard peers[place].uploads.isEmpty, peers[place].uploadsInFlight.isEmpty else { return true }
        let served = peers.indices.count {
            peers[$0].isChokedByUs && !(peers[$0].uploads.isEmpty && peers[$0].uploadsInFlight.isEmpty)
        }
        return served < configuration.allowedFastPeersMax
    }

    mutating func cancelReceived(_ block: BlockRequest, from place: Int, now: Instant, into outbox: inout Outbox) {
        guard peers[place].uploads.remove(block) else { return _ = tolerates(place, now: now, into: &outbox) }
        reject(block, to: place, now: now, into: &outbox)
    }

    private mutating func reject(_ block: BlockRequest, to place: Int, now: Instant, into outbox: inout Outbox) {
        if peers[place].session.isFast { send(.reject(block), to: place, now: now, into: &outbox) }
    }

    /// Bytes that may be on their way to one peer: peers that read nothing must not fill the memory together.
    private var uploadInFlightMax: Int {
        counters.uploadInFlightBytes < configuration.uploadInFlightTotalMax
            ? configuration.uploadInFlightBytesMax : 2 * BlockRequest.usualLength
    }

    mutating func pumpUploads(_ place: Int, now: Instant, into outbox: inout Outbox) {
        while peers[place].uploadsInFlight.count < peers[place].uploadPipeline.target,
            peers[place].uploadInFlightBytes < uploadInFlightMax, !peers[place].uploads.isEmpty,
            mayUpload(into: &outbox), let block = peers[place].uploads.popFirst()
        {
            if allowance.upload != nil { peers[place].chargedInFlight += block.length }
            allowance.upload? -= block.length
            if peers[place].uploadsInFlight.isEmpty { peers[place].uploadPipeline.resumed(now: now) }
            peers[place].uploadsInFlight.append(now)
            peers[place].uploadInFlightBytes += block.length
            counters.uploadInFlightBytes += block.length
            outbox.actions.append(.readBlock(peers[place].handle, torrent, block))
        }
    }
}
