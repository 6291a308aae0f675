import PeerProtocol
import Primitives

/// What happens because time has passed.
extension Swarm {
    mutating func tick(now: Instant, into outbox: inout Outbox) {
        downloadMeter.advance(now: now)
        uploadMeter.advance(now: now)
        choker.linkCarries(uploadMeter.bytesPerSecond)
        for place in peers.indices { peers[place].noteUse(now: now) }
        rechokeIfDue(now: now, into: &outbox)
        for handle in peers.map(\.handle) {
            guard let place = places[handle] else { continue }
            if let reason = overdue(place, now: now) {
                lose(handle, reason, closing: true, now: now, into: &outbox)
                continue
            }
            guard peers[place].isOpen else { continue }
            if now - peers[place].lastSentAt >= configuration.keepAliveInterval {
                send(.keepAlive, to: place, now: now, into: &outbox)
            }
            serveIfRoom(place, now: now, into: &outbox)
            exchangeIfDue(place, now: now, into: &outbox)
            snubIfSilent(place, now: now, into: &outbox)
            updateInterest(of: place, now: now, into: &outbox)
            // Somebody may have become slow enough to be helped.
            peers[place].idleGeneration = nil
            fillRequests(place, now: now, into: &outbox)
        }
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

    /// Gives the blocks of a peer to others that is silent, or whose block does not become whole: drops of it now and
    /// then would hold it for ever.
    ///
    /// What it sends of them after all is not wanted any more.
    private mutating func snubIfSilent(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard !isReadingPaused, !peers[place].session.outstanding.isEmpty,
            now - peers[place].lastProgressAt >= configuration.snubTimeout
                || now - peers[place].lastBlockAt >= configuration.blockTimeout
        else { return }
        let blocks = peers[place].session.outstanding.blocks
        for block in blocks { cancel(block, of: place, now: now, into: &outbox) }
        picker?.abandoned(blocks)
        picker?.released(by: peers[place].handle)
        peers[place].pipeline.stalled()
        peers[place].hasSnubbedUs = true
        peers[place].currentPiece = nil
        for other in peers.indices where other != place { fillRequests(other, now: now, into: &outbox) }
    }
}
