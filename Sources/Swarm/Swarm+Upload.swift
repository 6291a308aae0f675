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
        peers[place].uploadPipeline.passed(block.length, since: peers[place].uploadsInFlight.popFirst(), now: now)
        peers[place].sentInTurn += block.length
        peers[place].lastSentAt = now
        pumpUploads(place, now: now, into: &outbox)
    }

    /// A block that was to be sent cannot be read: the peer may ask somebody else.
    package mutating func blockUnreadable(
        _ block: BlockRequest, to handle: PeerHandle, now: Instant, into outbox: inout Outbox
    ) {
        guard let place = places[handle] else { return }
        peers[place].uploadInFlightBytes -= block.length
        _ = peers[place].uploadsInFlight.popFirst()
        reject(block, to: place, now: now, into: &outbox)
        pumpUploads(place, now: now, into: &outbox)
    }

    /// A peer has become interested: a place that is free is its at once.
    mutating func serveIfRoom(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard configuration.servesPeers, picker != nil, peers[place].isWaitingForPieces, peers[place].isChokedByUs,
            choker.hasRoom(besides: counters.unchoked)
        else { return }
        unchoke(place, now: now, into: &outbox)
    }

    /// Gives the places anew, when it is time.
    mutating func rechokeIfDue(now: Instant, into outbox: inout Outbox) {
        guard configuration.servesPeers, let picker, choker.isDue(now: now) else { return }
        let rivals = peers.filter(\.isOpen).map(rival)
        let decision = choker.round(rivals, isSeeding: picker.isComplete, now: now, using: &generator)
        for place in peers.indices { peers[place].roundEnded() }
        for handle in decision.choke {
            if let place = places[handle] { choke(place, now: now, into: &outbox) }
        }
        for handle in decision.unchoke {
            if let place = places[handle] { unchoke(place, now: now, into: &outbox) }
        }
    }

    private func rival(_ peer: Peer) -> Choker.Rival {
        var rival = Choker.Rival(peer: peer.handle, connectedAt: peer.phaseSince)
        rival.isInterested = peer.isWaitingForPieces
        rival.isUnchoked = !peer.isChokedByUs
        rival.received = peer.receivedInRound
        rival.sentInTurn = peer.sentInTurn
        rival.isSnubbing = peer.hasSnubbedUs
        rival.changedAt = peer.chokeChangedAt ?? peer.phaseSince
        return rival
    }

    private mutating func unchoke(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard peers[place].isChokedByUs else { return }
        peers[place].isChokedByUs = false
        peers[place].chokeChangedAt = now
        peers[place].sentInTurn = 0
        counters.unchoked += 1
        send(.unchoke, to: place, now: now, into: &outbox)
    }

    private mutating func choke(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard !peers[place].isChokedByUs else { return }
        peers[place].isChokedByUs = true
        peers[place].chokeChangedAt = now
        counters.unchoked -= 1
        send(.choke, to: place, now: now, into: &outbox)
        let granted = peers[place].fastGrants
        let dropped = peers[place].uploads.filter { !granted.contains($0.piece) }
        peers[place].uploads.removeAll { !granted.contains($0.piece) }
        for block in dropped { reject(block, to: place, now: now, into: &outbox) }
    }

    /// A peer wants nothing any more: its place goes to whoever has waited the longest.
    mutating func lostInterest(_ place: Int, now: Instant, into outbox: inout Outbox) {
        choke(place, now: now, into: &outbox)
        let waiting = peers.indices.filter { peers[$0].isWaitingForPieces && peers[$0].isChokedByUs }
        let next = waiting.min {
            (peers[$0].chokeChangedAt ?? peers[$0].phaseSince, peers[$0].handle)
                < (peers[$1].chokeChangedAt ?? peers[$1].phaseSince, peers[$1].handle)
        }
        if let next { serveIfRoom(next, now: now, into: &outbox) }
    }

    /// What cannot be served is rejected (BEP 6), or passed over in silence where the peer would not understand.
    mutating func requestReceived(
        _ block: BlockRequest, from place: Int, now: Instant, into outbox: inout Outbox
    ) {
        let isChoked = peers[place].isChokedByUs
        let isAllowed = !isChoked || servesFast(block, to: place)
        guard isAllowed, picker?.has(block.piece) == true,
            peers[place].uploads.count < configuration.uploadQueueMax
        else { return reject(block, to: place, now: now, into: &outbox) }
        if isChoked { peers[place].fastServedBytes += block.length }
        peers[place].uploads.append(block)
        pumpUploads(place, now: now, into: &outbox)
    }

    /// Whether a choked peer is given a block all the same: while it has nothing to trade, and few others are.
    private func servesFast(_ block: BlockRequest, to place: Int) -> Bool {
        guard peers[place].fastGrants.contains(block.piece),
            (peers[place].pieces?.setCount ?? 0) < configuration.allowedFastCount,
            // Whoever claims to have nothing could fetch them for ever: once, and once more for what was lost.
            peers[place].fastServedBytes < 2 * configuration.allowedFastCount * (info?.pieceLength ?? 0)
        else { return false }
        guard peers[place].uploads.isEmpty, peers[place].uploadsInFlight.isEmpty else { return true }
        let served = peers.count { $0.isChokedByUs && !($0.uploads.isEmpty && $0.uploadsInFlight.isEmpty) }
        return served < configuration.allowedFastPeersMax
    }

    mutating func cancelReceived(_ block: BlockRequest, from place: Int, now: Instant, into outbox: inout Outbox) {
        guard let index = peers[place].uploads.firstIndex(of: block) else { return }
        peers[place].uploads.remove(at: index)
        reject(block, to: place, now: now, into: &outbox)
    }

    private mutating func reject(_ block: BlockRequest, to place: Int, now: Instant, into outbox: inout Outbox) {
        if peers[place].session.isFast { send(.reject(block), to: place, now: now, into: &outbox) }
    }

    mutating func pumpUploads(_ place: Int, now: Instant, into outbox: inout Outbox) {
        while peers[place].uploadsInFlight.count < peers[place].uploadPipeline.target,
            peers[place].uploadInFlightBytes < configuration.uploadInFlightBytesMax, !peers[place].uploads.isEmpty,
            mayUpload(into: &outbox), let block = peers[place].uploads.popFirst()
        {
            allowance.upload? -= block.length
            if peers[place].uploadsInFlight.isEmpty { peers[place].uploadPipeline.resumed(now: now) }
            peers[place].uploadsInFlight.append(now)
            peers[place].uploadInFlightBytes += block.length
            outbox.actions.append(.readBlock(peers[place].handle, torrent, block))
        }
    }
}
