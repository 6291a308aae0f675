import PeerProtocol
import Primitives

/// Who keeps a place when others wait for it.
///
/// A connection over which blocks have gone lately keeps its place. Of the others, callers give way to callers, so that
/// no host and no network closes the torrent to others, and all give way to candidates that were not tried yet.
extension Swarm {
    // MARK: Callers

    /// False if there is no place for a peer that has called.
    ///
    /// A quarter of the places is kept for peers that we choose ourselves. When the others are taken, of those that are
    /// of no use gives way, in this order:
    ///
    /// 1. the oldest of the network, or of the host, that holds at least two places more than the caller's;
    /// 2. the oldest connection that neither side is interested in;
    /// 3. the last in the canonical order (BEP 40), where it comes after the caller, or the oldest while our address is
    ///    unknown. A call of ours that was not answered goes before a connection, and a host that has a place displaces
    ///    nobody in this way, but where many peers share one address.
    ///
    /// Else it is the oldest caller that does not use its upload place; or, when one network holds more than a quarter
    /// and the caller's holds nothing, the caller of that network over which least goes.
    mutating func makeRoom(for endpoint: Endpoint, now: Instant, into outbox: inout Outbox) -> Bool {
        let isQuotaUsed = callers.count >= configuration.peersMax * 3 / 4
        guard isQuotaUsed || peers.count >= configuration.peersMax else { return true }
        let isHere = configuration.bansHosts && callers.count(ofHostOf: endpoint) > 0
        guard
            let loser = greedyCaller(besides: endpoint, now: now) ?? idleCaller(now: now)
                ?? (isHere ? nil : lastInOrder(before: endpoint, onlyIncoming: isQuotaUsed, now: now))
                ?? (isHere ? nil : callerThatTakesNothing(now: now)) ?? crowdedCaller(besides: endpoint, now: now)
        else {
            counters.callersRefused += 1
            return false
        }
        lose(loser, .displaced, closing: true, now: now, into: &outbox)
        return true
    }

    /// The oldest useless caller of the network and host that hold most, if they hold more than the newcomer's would.
    private mutating func greedyCaller(besides newcomer: Endpoint, now: Instant) -> PeerHandle? {
        let (ofPrefix, ofHost) = (callers.count(ofPrefixOf: newcomer), callers.count(ofHostOf: newcomer))
        var best: (prefix: Int, host: Int, place: Int)?
        for place in peers.indices where !peers[place].isOutgoing && !isUseful(place, now: now) {
            let endpoint = peers[place].endpoint
            let (prefix, host) = (callers.count(ofPrefixOf: endpoint), callers.count(ofHostOf: endpoint))
            let isNeighbour = endpoint.prefix == newcomer.prefix
            guard isNeighbour ? host > ofHost + 1 : prefix > ofPrefix + 1 else { continue }
            if let best {
                let isLess = (prefix, host) < (best.prefix, best.host)
                let isSame = (prefix, host) == (best.prefix, best.host)
                if isLess || isSame && isOlder(best.place, than: place) { continue }
            }
            best = (prefix, host, place)
        }
        return best.map { peers[$0.place].handle }
    }

    private mutating func callerThatTakesNothing(now: Instant) -> PeerHandle? {
        var oldest: Int?
        for place in peers.indices where !peers[place].isOutgoing && !isUseful(place, now: now) {
            guard peers[place].isOpen, takesNothing(place, now: now) else { continue }
            if let oldest, isOlder(oldest, than: place) { continue }
            oldest = place
        }
        return oldest.map { peers[$0].handle }
    }

    /// The caller over whose connection least goes, of a network that holds more than a quarter of all places.
    private mutating func crowdedCaller(besides newcomer: Endpoint, now: Instant) -> PeerHandle? {
        guard callers.count(ofPrefixOf: newcomer) == 0 else { return nil }
        var slowest: (bytes: Int, place: Int)?
        for place in peers.indices where !peers[place].isOutgoing {
            guard callers.count(ofPrefixOf: peers[place].endpoint) > max(configuration.peersMax / 4, 1),
                now - peers[place].phaseSince >= configuration.displaceIdleDelay
            else { continue }
            let bytes = peers[place].use.bytes(now: now)
            if let slowest, slowest.bytes <= bytes { continue }
            slowest = (bytes, place)
        }
        return slowest.map { peers[$0.place].handle }
    }

    private mutating func idleCaller(now: Instant) -> PeerHandle? {
        var oldest: Int?
        for place in peers.indices where !peers[place].isOutgoing && !isUseful(place, now: now) {
            guard !peers[place].isInterestedInUs, !peers[place].areWeInterested,
                now - peers[place].phaseSince >= configuration.displaceIdleDelay
            else { continue }
            if let oldest, isOlder(oldest, than: place) { continue }
            oldest = place
        }
        return oldest.map { peers[$0].handle }
    }

    private func isOlder(_ place: Int, than other: Int) -> Bool {
        (peers[place].phaseSince, peers[place].handle) < (peers[other].phaseSince, peers[other].handle)
    }

    /// The last of those that may be displaced; a call of ours that was not answered goes before a connection.
    private mutating func lastInOrder(before caller: Endpoint, onlyIncoming: Bool, now: Instant) -> PeerHandle? {
        let ours = candidates.priority(of: caller)
        var last: (isOpen: Int, priority: UInt32, place: Int)?
        for place in peers.indices where !(onlyIncoming && peers[place].isOutgoing) {
            guard mayBeDisplaced(place, now: now) else { continue }
            let priority = candidates.priority(of: peers[place].endpoint)
            if let ours, let priority, priority >= ours { continue }
            let isOpen = peers[place].isOpen ? 1 : 0
            let rank = priority?.rawValue ?? 0
            if let last {
                if (isOpen, rank) > (last.isOpen, last.priority) { continue }
                if (isOpen, rank) == (last.isOpen, last.priority), isOlder(last.place, than: place) { continue }
            }
            last = (isOpen, rank, place)
        }
        return last.map { peers[$0.place].handle }
    }

    private mutating func mayBeDisplaced(_ place: Int, now: Instant) -> Bool {
        switch peers[place].phase {
        case .connecting: true
        case .handshaking: false
        case .open: !isUseful(place, now: now) && now - peers[place].phaseSince >= configuration.displaceDelay
        }
    }

    /// It had an upload place lately and did not use it, or has one and has not begun in twice the time that it takes.
    private func takesNothing(_ place: Int, now: Instant) -> Bool {
        guard !peers[place].gives else { return false }
        return unusedTurnCount(of: place, now: now) > 0
            || !peers[place].isChokedByUs && now - peers[place].lastTakenAt >= configuration.uploadProbeTime * 2
    }

    private mutating func isUseful(_ place: Int, now: Instant) -> Bool {
        peers[place].use.isOf(configuration.usefulTime, now: now)
    }

    /// A wanted block is whole: its peer is of use.
    mutating func noteBlock(_ length: Int, from place: Int, now: Instant) {
        peers[place].use.received(length, now: now)
        lastReceivedAt = now
    }

    // MARK: Candidates

    /// Whether a peer has given us something in `usefulTime`, as of the last tick.
    package var isReceiving: Bool { giverCount > 0 }

    /// Whether we want something and receive nothing.
    func isStarving(now: Instant) -> Bool {
        // While the storage is being opened, no peer can be of use.
        guard picker != nil else { return race != nil }
        // A limit may leave less than a block in that time.
        let time = allowance.download == nil ? configuration.uselessTimeStarving : configuration.uselessTime
        return receivesNothing(for: time, now: now)
    }

    /// Whether no wanted block has come for this long, though we want some.
    func receivesNothing(for time: Duration, now: Instant) -> Bool {
        now - lastReceivedAt >= time && !isReadingPaused && picker?.isComplete != true
    }

    /// Ends connections of no use while candidates wait that were not tried yet.
    ///
    /// So many places are wanted as attempts could begin, a quarter of all at most. While something is received, one
    /// connection goes at a time, a few a minute and more the more candidates wait; else an eighth of the places. When
    /// all are of use, it is the one over which least goes, if that is little.
    mutating func giveWay(now: Instant, into outbox: inout Outbox) {
        noteUseful(now: now)
        let wanted = min(candidates.freshCount, max(configuration.peersMax / 4, 1), configuration.connectingMax)
        let missing = wanted + peers.count - counters.attempts - configuration.peersMax
        guard missing > 0, !hasFailed, race != nil || picker != nil else { return }
        let isStarving = isStarving(now: now)
        guard isStarving || now >= nextGiveWay else { return }
        let count = isStarving ? min(missing, max(configuration.peersMax / 8, 1)) : 1
        var useless = uselessPlaces(isStarving: isStarving, now: now)
        var interval = max(.seconds(1), configuration.giveWayInterval / (1 + candidates.freshCount / 100))
        if useless.isEmpty, let slowest = slowestConnection(now: now) {
            useless = [slowest]
            interval = min(interval, configuration.giveWayIntervalSlow)
        }
        guard !useless.isEmpty else { return }
        nextGiveWay = now + interval
        for handle in useless.prefix(count) { lose(handle, .displaced, closing: true, now: now, into: &outbox) }
    }

    private mutating func noteUseful(now: Instant) {
        (usefulCount, giverCount) = (0, 0)
        for place in peers.indices where isUseful(place, now: now) {
            let gives = peers[place].use.isGiving(within: configuration.usefulTime, now: now)
            if gives { giverCount += 1 }
            // A download wants peers that give.
            if gives || picker?.isComplete == true { usefulCount += 1 }
        }
    }

    /// Connections that had their time and were of no use: first those that promise least, of these the oldest.
    private mutating func uselessPlaces(isStarving: Bool, now: Instant) -> [PeerHandle] {
        let starvingTime = race == nil ? configuration.uselessTimeStarving : configuration.uselessTimeMetadata
        let time = isStarving ? starvingTime : configuration.uselessTime
        let isSeed = picker?.isComplete == true
        var useless: [(promise: Int, place: Int)] = []
        for place in peers.indices where peers[place].isOpen && !isUseful(place, now: now) {
            guard now - (peers[place].use.lastAt ?? peers[place].phaseSince) >= time else { continue }
            // It waits for its turn.
            guard !isSeed || !peers[place].isWaitingForPieces else { continue }
            useless.append((promise(of: place), place))
        }
        useless.sort { left, right in
            left.promise == right.promise ? isOlder(left.place, than: right.place) : left.promise < right.promise
        }
        return useless.map { peers[$0.place].handle }
    }

    /// The connection over which least goes, if that is little: a better one may wait.
    private mutating func slowestConnection(now: Instant) -> PeerHandle? {
        guard picker?.isComplete == false, !isReadingPaused, allowance.download == nil else { return nil }
        var slowest: (bytes: Int, place: Int)?
        for place in peers.indices where peers[place].isOpen && peers[place].use.isSlow(now: now) {
            let bytes = peers[place].use.bytes(now: now)
            if let slowest, slowest.bytes <= bytes { continue }
            slowest = (bytes, place)
        }
        return slowest.map { peers[$0.place].handle }
    }

    /// What a peer that is of no use may become: 0 has nothing for us, 1 has and keeps it, 2 wants something of us too.
    private func promise(of place: Int) -> Int {
        guard peers[place].areWeInterested || peers[place].extensions.metadataSize != nil else { return 0 }
        return peers[place].isWaitingForPieces && peers[place].isChokingUs ? 2 : 1
    }

    // MARK: After the end

    /// What the end of a connection or an attempt means for the next one.
    mutating func rememberEndpoint(of peer: Peer, lostBy reason: PeerLoss, now: Instant) {
        if reason == .badData { return ban(peer, now: now) }
        guard peer.isOutgoing else { return noteReturn(of: peer, lostBy: reason, now: now) }
        if reason == .ourselves { return candidates.isOurselves(peer.endpoint, now: now) }
        if reason.isSuspicious { return candidates.misbehaved(peer.endpoint, now: now) }
        // A peer that took the call and said nothing may want it opened the other way.
        let saidNothing = peer.phase == .handshaking && (reason == .closed || reason == .timedOut)
        if saidNothing, candidates.opensOtherwise(peer.endpoint, timedOut: reason == .timedOut, now: now) { return }
        switch reason {
        case .foreign: break
        case .redundant: candidates.shelved(peer.endpoint, isSeed: peer.wantsNothing)
        case .displaced where !peer.isOpen:
            candidates.postponed(peer.endpoint, until: now + configuration.reconnectDelay)
        case .displaced where peer.use.lastAt == nil: candidates.wasUseless(peer.endpoint, now: now)
        case .closed where peer.use.lastAt != nil, .displaced: candidates.ended(peer.endpoint, now: now)
        default: candidates.failed(peer.endpoint, now: now)
        }
    }

    private mutating func ban(_ peer: Peer, now: Instant) {
        candidates.ban(peer.endpoint, now: now)
        // Where hosts are refused, the port does not matter.
        guard !configuration.bansHosts, !peer.isOutgoing, let port = peer.extensions.listenPort, port != 0 else {
            return
        }
        var listening = peer.endpoint
        listening.port = port
        candidates.ban(listening, now: now)
    }

    /// The port of an incoming connection is not one to call back at; its host may come back too often.
    private mutating func noteReturn(of peer: Peer, lostBy reason: PeerLoss, now: Instant) {
        switch reason {
        case .closed, .protocolViolation, .redundant:
            guard peer.use.lastAt == nil, now - peer.phaseSince < configuration.returnTime else { return }
            connectLimits.returned(peer.endpoint, now: now)
        default: break
        }
    }
}
