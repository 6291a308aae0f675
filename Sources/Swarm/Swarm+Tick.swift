import Metainfo
import PeerProtocol
import Primitives

/// What happens because time has passed.
extension Swarm {
    mutating func tick(now: Instant, into outbox: inout Outbox) {
        downloadMeter.advance(now: now)
        uploadMeter.advance(now: now)
        choker.linkCarries(uploadMeter.bytesPerSecond)
        for place in peers.indices { peers[place].noteSent(now: now) }
        rechokeIfDue(now: now, into: &outbox)
        reviewPlaces(now: now, into: &outbox)
        serveWaitingMetadata(now: now, into: &outbox)
        for handle in handles {
            guard let place = places[handle] else { continue }
            if let reason = overdue(place, now: now) {
                lose(handle, reason, closing: true, now: now, into: &outbox)
                continue
            }
            guard peers[place].isOpen else { continue }
            if now - peers[place].lastSentAt >= configuration.keepAliveInterval {
                send(.keepAlive, to: place, now: now, into: &outbox)
            }
            exchangeIfDue(place, now: now, into: &outbox)
            lookAfterRequests(place, now: now, into: &outbox)
            updateInterest(of: place, now: now, into: &outbox)
        }
        reviewPieces(now: now)
        fillAll(now: now, into: &outbox)
        giveWay(now: now, into: &outbox)
        guard race != nil else { return }
        race?.timedOut(now: now)
        requestMetadataOfAll(now: now, into: &outbox)
    }

    private mutating func overdue(_ place: Int, now: Instant) -> PeerLoss? {
        let age = now - peers[place].phaseSince
        return switch peers[place].phase {
        case .connecting:
            age >= timeout(configuration.connectTimeout, configuration.connectTimeoutCrowded, of: place)
                ? .timedOut : nil
        case .handshaking:
            age >= timeout(configuration.handshakeTimeout, configuration.handshakeTimeoutCrowded, of: place)
                ? .timedOut : nil
        case .open:
            !isReadingPaused && now - peers[place].session.lastReceivedAt >= configuration.idleTimeout ? .idle : nil
        }
    }

    /// The time of an attempt: shorter while endpoints wait that were not tried yet, longer with each attempt.
    private func timeout(_ usual: Duration, _ crowded: Duration, of place: Int) -> Duration {
        guard candidates.hasFresh else { return usual }
        // An encrypted opening takes a round trip more.
        let trips = peers[place].encryption == nil ? 1 : 2
        return min(usual, crowded * (trips << min(peers[place].failuresBefore, 4)))
    }

    private mutating func lookAfterRequests(_ place: Int, now: Instant, into outbox: inout Outbox) {
        expireRefusals(of: place, now: now)
        endPassedOver(place, now: now, into: &outbox)
        doubtIfSilent(place, now: now)
        snubIfSilent(place, now: now, into: &outbox)
    }

    /// A peer that is silent, or whose block does not become whole, has its requests cancelled: drops of a block now
    /// and then would hold it for ever.
    ///
    /// What it sends of them after all is not wanted any more.
    private mutating func snubIfSilent(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard !isReadingPaused, !peers[place].session.outstanding.isEmpty,
            now - peers[place].lastProgressAt >= configuration.snubTimeout
                || now - peers[place].lastBlockAt >= configuration.blockTimeout
        else { return }
        let blocks = peers[place].session.outstanding.blocks
        for block in blocks { cancel(block, of: place, now: now, into: &outbox) }
        picker?.abandoned(blocks, isDoubted: peers[place].trust.isDoubted)
        release(place)
        peers[place].pipeline.stalled()
        peers[place].hasSnubbedUs = true
        failed(place, asksAgainAtOnce: true, now: now)
    }

    /// Cancels the oldest request if later ones were answered for as long as a peer may be silent: a peer that keeps
    /// one block of each piece would keep all of them from being whole.
    private mutating func endPassedOver(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard !isReadingPaused, let block = peers[place].session.outstanding.passedOver,
            let requestedAt = peers[place].session.outstanding.oldestRequestedAt,
            now - requestedAt >= configuration.snubTimeout
        else { return }
        cancel(block, of: place, now: now, into: &outbox)
        picker?.abandoned(CollectionOfOne(block), isDoubted: peers[place].trust.isDoubted)
        refuse(block.piece, of: place, now: now)
    }

    /// What has waited too long for one peer is for any.
    private mutating func reviewPieces(now: Instant) {
        hasProvedPeers = peers.indices.contains { peers[$0].trust.isGiver && peers[$0].trust.verifiedPieces > 0 }
        guard let info else { return }
        let length = Double(info.pieceLength)
        frontPatience = max(
            configuration.frontPatienceMin,
            downloadMeter.bytesPerSecond >= 1 ? .seconds(2 * length / downloadMeter.bytesPerSecond) : .seconds(1))
        picker?.reviewSuspects(
            waitMax: configuration.suspectWaitMax,
            wholeMax: configuration.suspectTimeMin + .seconds(length / configuration.suspectBytesPerSecondMin),
            now: now)
    }
}
