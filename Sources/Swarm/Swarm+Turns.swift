import DequeModule
import PeerProtocol
import Primitives

/// Upload places are held by taking: who gets a free one, and who loses one that it does not use.
extension Swarm {
    /// Gives free places to those that wait, and takes back those that are not used.
    ///
    /// A place of a peer that takes nothing costs nothing, so that others are served beside it. While somebody still
    /// waits, such a peer is choked and goes behind.
    mutating func reviewPlaces(now: Instant, into outbox: inout Outbox) {
        guard configuration.servesPeers, picker != nil else { return }
        dropStuckUploads(now: now, into: &outbox)
        // While we download, a peer often has nothing to ask of us that it does not get elsewhere.
        let idlePlaces = countIdlePlaces(now: now)
        choker.idlePlaces = picker?.isComplete == true ? idlePlaces : 0
        fillPlaces(now: now, into: &outbox)
        var waiting = peers.indices.count { isWaiting($0) }
        guard waiting > 0 else { return }
        let unused = peers.indices.filter { isUnused($0, now: now) }
            .sorted { (peers[$0].lastTakenAt, peers[$0].handle) < (peers[$1].lastTakenAt, peers[$1].handle) }
        for place in unused where waiting > 0 {
            waiting -= 1
            unusedTurns.add(1, to: peers[place].endpoint, now: now)
            peers[place].unusedTurns.add(1, now: now)
            counters.unusedTurns += 1
            choke(place, now: now, into: &outbox)
        }
        fillPlaces(now: now, into: &outbox)
    }

    /// Ends connections that hold blocks in memory and do not take them: after long in any case, and sooner when all of
    /// them together hold much.
    private mutating func dropStuckUploads(now: Instant, into outbox: inout Outbox) {
        var stuck = peers.indices.filter { peers[$0].isOpen }
            .map { (handle: peers[$0].handle, since: standsStillSince($0, now: now)) }
            .filter { now - $0.since >= configuration.uploadStuckTimeCrowded }
        guard !stuck.isEmpty else { return }
        stuck.sort { ($0.since, $0.handle) < ($1.since, $1.handle) }
        var held = stuck.reduce(0) { $0 + (places[$1.handle].map { peers[$0].uploadInFlightBytes } ?? 0) }
        for (handle, since) in stuck {
            guard let place = places[handle] else { continue }
            let isLong = now - since >= configuration.uploadStuckTime
            guard isLong || held > configuration.uploadStuckBytesMax else { return }
            held -= peers[place].uploadInFlightBytes
            counters.stuckUploads += 1
            lose(handle, .idle, closing: true, now: now, into: &outbox)
        }
    }

    /// Since when blocks are there for the peer and none has gone; now, if there are none.
    private func standsStillSince(_ place: Int, now: Instant) -> Instant {
        peers[place].uploadsInFlight.first.map { max($0, peers[place].lastTakenAt) } ?? now
    }

    private func isWaiting(_ place: Int) -> Bool {
        peers[place].isOpen && peers[place].isChokedByUs && peers[place].isWaitingForPieces
    }

    /// Peers with a place that take nothing now; also gives back what was charged for blocks that do not move.
    private mutating func countIdlePlaces(now: Instant) -> Int {
        let patience = idleAfter
        var idle = 0
        for place in peers.indices where !peers[place].isChokedByUs {
            if isHeldByLimit(place) { peers[place].lastTakenAt = now }
            let silence = now - peers[place].lastTakenAt
            if silence >= patience || hasNothingToTake(place, now: now) { idle += 1 }
            if silence >= configuration.uploadIdleTime { refundUploads(of: place) }
        }
        return idle
    }

    /// All that it has asked for is sent, so that its place costs nothing at the moment.
    private mutating func hasNothingToTake(_ place: Int, now: Instant) -> Bool {
        let since = peers[place].chokeChangedAt ?? peers[place].phaseSince
        return peers[place].uploads.isEmpty && peers[place].uploadsInFlight.isEmpty
            && now - since >= configuration.uploadProbeTime
    }

    /// It waits for our upload limit, not we for it.
    private mutating func isHeldByLimit(_ place: Int) -> Bool {
        guard let left = allowance.upload, left <= 0 else { return false }
        return !peers[place].uploads.isEmpty && peers[place].uploadsInFlight.isEmpty
    }

    /// Silence after which a place counts as idle: a few times as long as a block takes at the present rate.
    private var idleAfter: Duration {
        let rate = uploadMeter.bytesPerSecond
        guard rate >= 1 else { return configuration.uploadProbeTime }
        let blockSeconds = Double(counters.unchoked * BlockRequest.usualLength) / rate
        let usual = Duration.seconds(min(3 * blockSeconds, configuration.uploadIdleTime.inSeconds))
        return max(configuration.uploadProbeTime, usual)
    }

    /// Whether the turn of a peer has come to nothing.
    func isUnused(_ place: Int, now: Instant) -> Bool {
        guard peers[place].isOpen, !peers[place].isChokedByUs,
            now - peers[place].lastTakenAt >= configuration.uploadIdleTime
        else { return false }
        // A peer that gives has earned its place, whether it uses it or not.
        return picker?.isComplete == true || !peers[place].gives
    }

    /// Hosts that left their turns unused come last, then those that have places; among equals lots are drawn.
    ///
    /// The longest waiting has its turn in the choker's rounds. Were it first here too, peers would be served in much
    /// the same order by all, and the last of a swarm would be done later.
    mutating func fillPlaces(now: Instant, into outbox: inout Outbox) {
        guard choker.hasRoom(besides: counters.unchoked) else { return }
        var waiting = peers.indices.filter(isWaiting)
        guard !waiting.isEmpty else { return }
        waiting.shuffle(using: &generator)
        var held: [Endpoint: Int] = [:]
        for place in peers.indices where !peers[place].isChokedByUs {
            held[peers[place].endpoint.holder, default: 0] += 1
        }
        while choker.hasRoom(besides: counters.unchoked), !waiting.isEmpty {
            let next = waiting.indices.min { rank(waiting[$0], held, now: now) < rank(waiting[$1], held, now: now) }
            guard let next else { return }
            let place = waiting.remove(at: next)
            held[peers[place].endpoint.holder, default: 0] += 1
            unchoke(place, now: now, into: &outbox)
        }
    }

    private func rank(_ place: Int, _ held: [Endpoint: Int], now: Instant) -> (Int, Int) {
        (unusedTurnCount(of: place, now: now), held[peers[place].endpoint.holder] ?? 0)
    }

    /// Unused turns of the host, and again those of this connection: honest peers of the same host have fewer.
    func unusedTurnCount(of place: Int, now: Instant) -> Int {
        unusedTurns.amount(of: peers[place].endpoint, now: now) + peers[place].unusedTurns.amount(now: now)
    }

    // MARK: Accounts

    /// What was charged for blocks that the peer does not take is for others; it is charged again when they are sent.
    mutating func refundUploads(of place: Int) {
        guard peers[place].chargedInFlight > 0 else { return }
        allowance.upload? += peers[place].chargedInFlight
        peers[place].chargedInFlight = 0
    }

    /// The connection of a peer has ended, with blocks that were charged and not sent.
    mutating func uploadsEnded(with peer: Peer, lostBy reason: PeerLoss, now: Instant) {
        metadataUpload.left(peer.handle)
        counters.uploadInFlightBytes -= peer.uploadInFlightBytes
        allowance.upload? += peer.chargedInFlight
        // Which of two connections to one peer goes is our choice.
        guard !peer.isChokedByUs, reason != .duplicate else { return }
        let isUnread = !peer.uploadsInFlight.isEmpty && now - peer.lastTakenAt >= configuration.uploadProbeTime
        if peer.sentInTurn == 0 || isUnread { unusedTurns.add(1, to: peer.endpoint, now: now) }
    }

    /// The order in which peers are offered a portion: in rotation, and every other time those first that have been
    /// taking for a while and whose hosts left no turn unused.
    func portionOrder(now: Instant) -> [Int] {
        let order = peers.indices.map { (turn / 2 + $0) % peers.count }
        guard turn % 2 == 0 else { return order }
        let ranked = order.enumerated().map { position, place in
            let isProven =
                peers[place].sentInTurn > 0 && now - peers[place].phaseSince >= configuration.uploadProvenTime
                && now - peers[place].lastTakenAt < configuration.uploadIdleTime
            return (unusedTurnCount(of: place, now: now), isProven ? 0 : 1, position, place)
        }
        return ranked.sorted { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }.map(\.3)
    }

    // MARK: Useless messages

    /// Whether a message that changes nothing is put up with; the connection of a peer that sends too many ends.
    mutating func tolerates(_ place: Int, cost: Int = 1, now: Instant, into outbox: inout Outbox) -> Bool {
        peers[place].useless.refill(now: now)
        guard peers[place].useless.tokens > 0 else {
            counters.floods += 1
            lose(peers[place].handle, .protocolViolation(.tooManyMessages), closing: true, now: now, into: &outbox)
            return false
        }
        peers[place].useless.take(cost)
        return true
    }
}
