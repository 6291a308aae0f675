import Metainfo
package import PeerProtocol
package import Primitives

/// Whom the swarm is connected to: found, tried, connected, lost.
extension Swarm {
    /// Endpoints of peers that may have the torrent.
    ///
    /// They are tried at once, as far as the limits allow. `namer` is the node or the tracker that has named them.
    package mutating func peersFound(
        _ endpoints: [Endpoint], source: PeerSource, by namer: Endpoint? = nil, now: Instant,
        into outbox: inout Outbox
    ) {
        let new = endpoints.filter { candidates.found($0, source: source, by: namer, now: now) }
        if !new.isEmpty { report(.peersFound(new, source), into: &outbox) }
        connectMore(now: now, into: &outbox)
    }

    /// The same for peers that a peer has named, with what it says of them.
    package mutating func peersExchanged(
        _ peers: [PeerExchangeMessage.Added], by namer: Endpoint? = nil, now: Instant, into outbox: inout Outbox
    ) {
        let new = peers.filter {
            candidates.found($0.endpoint, $0.flags, source: .exchange, by: namer, now: now)
        }.map(\.endpoint)
        if !new.isEmpty { report(.peersFound(new, .exchange), into: &outbox) }
        connectMore(now: now, into: &outbox)
    }

    /// Others see us at this address: the order of peers follows from it (BEP 40).
    package mutating func weAre(_ address: Endpoint) {
        var endpoint = address
        endpoint.port = identity.listenPort
        candidates.weAre(endpoint)
    }

    package mutating func connected(_ handle: PeerHandle, now: Instant, into outbox: inout Outbox) {
        guard let place = places[handle], peers[place].phase == .connecting else { return }
        enter(.handshaking, at: place, now: now)
        open(place, now: now, into: &outbox)
    }

    package mutating func connectFailed(_ handle: PeerHandle, now: Instant, into outbox: inout Outbox) {
        lose(handle, .unreachable, closing: false, now: now, into: &outbox)
        connectMore(now: now, into: &outbox)
    }

    package mutating func disconnected(_ handle: PeerHandle, now: Instant, into outbox: inout Outbox) {
        lose(handle, .closed, closing: false, now: now, into: &outbox)
        connectMore(now: now, into: &outbox)
    }

    /// Takes over a connection that a peer made to us; its session has read a handshake for this torrent.
    package mutating func adopt(
        _ handle: PeerHandle, endpoint: Endpoint, session: Session, now: Instant, into outbox: inout Outbox
    ) {
        guard !hasFailed, !candidates.isBanned(endpoint, now: now), let handshake = session.peerHandshake,
            connectLimits.mayReturn(endpoint, now: now), makeRoom(for: endpoint, now: now, into: &outbox)
        else {
            outbox.lost.append(handle)
            return outbox.actions.append(.close(handle))
        }
        let place = insert(
            Peer(
                handle: handle, endpoint: endpoint, isOutgoing: false, session: session, configuration: configuration,
                now: now))
        peers[place].session.accept(infoHash)
        if let layout { peers[place].session.torrentKnown(layout) }
        sendHandshake(place, now: now, into: &outbox)
        handshakeReceived(handshake, from: handle, now: now, into: &outbox)
        armTick(now: now)
    }

    /// Closes every connection, for ever: the torrent is being removed.
    package mutating func close(now: Instant, into outbox: inout Outbox) {
        hasFailed = true
        for handle in handles { lose(handle, .redundant, closing: true, now: now, into: &outbox) }
    }

    /// Nothing can be sent: no connection is attempted until `networkReturned`.
    package mutating func networkLost() {
        isOffline = true
    }

    package mutating func networkReturned(now: Instant, into outbox: inout Outbox) {
        isOffline = false
        candidates.networkReturned(now: now)
        connectMore(now: now, into: &outbox)
    }

    mutating func connectMore(now: Instant, into outbox: inout Outbox) {
        guard !hasFailed, !isOffline else { return }
        let isUrgent = receivesNothing(for: configuration.urgentTime, now: now)
        var deferred = 0
        while counters.attempts < configuration.connectingMax, peers.count < configuration.peersMax,
            // What the limits put off costs time too.
            deferred < Self.deferredMax, !waitsForAll(now: now),
            let endpoint = candidates.next(
                isSeed: picker?.isComplete == true,
                // Retries have more time, so that they would take most of the places.
                includingRetries: !candidates.hasFresh || counters.retries < configuration.connectingMax / 4, now: now)
        {
            let attempt = ConnectLimits.Attempt(
                endpoint: endpoint, namer: candidates.namer(of: endpoint),
                isNamedByStranger: candidates.isNamedByStranger(endpoint), isUrgent: isUrgent)
            if let later = connectLimits.begin(attempt, now: now) {
                candidates.postponed(endpoint, until: later)
                deferred += 1
                continue
            }
            let handle = newHandle()
            var session = Session(role: .initiator, infoHash: infoHash, ourPeerID: identity.peerID, now: now)
            if let layout { session.torrentKnown(layout) }
            var peer = Peer(
                handle: handle, endpoint: endpoint, isOutgoing: true, session: session,
                configuration: configuration, now: now)
            peer.failuresBefore = candidates.failures(of: endpoint)
            insert(peer)
            outbox.actions.append(.connect(handle, endpoint))
            armTick(now: now)
        }
    }

    /// Whether candidates wait for attempts of other torrents to end; then a tick looks again.
    private mutating func waitsForAll(now: Instant) -> Bool {
        guard candidates.isWaited(now: now), let wait = connectLimits.waitOfAll(now: now) else { return false }
        armTick(at: wait)
        return true
    }

    /// Candidates looked at in vain in one go.
    private static let deferredMax = 512

    /// What we have and what we can do, right after both handshakes: BEP 3 and BEP 6 want the pieces first of all, and
    /// in which form depends on what the peer understands.
    private mutating func introduce(_ place: Int, now: Instant, into outbox: inout Outbox) {
        peers[place].lastSentAt = now
        let have = picker?.have ?? Bitfield(count: 0)
        let isFast = peers[place].session.isFast
        let speaksExtensions = peers[place].speaksExtensions
        let extensions = extensionHandshake(for: peers[place].endpoint)
        outbox.send(to: peers[place].handle) { bytes in
            if isFast, have.isEmpty {
                OutgoingMessage.haveNone.encode(into: &bytes)
            } else if isFast, have.isFull {
                OutgoingMessage.haveAll.encode(into: &bytes)
            } else if !have.isEmpty {
                OutgoingMessage.bitfield(have).encode(into: &bytes)
            }
            if speaksExtensions { extensions.encode(into: &bytes) }
        }
        grantFast(place, now: now, into: &outbox)
    }

    mutating func sendHandshake(_ place: Int, now: Instant, into outbox: inout Outbox) {
        peers[place].lastSentAt = now
        let handshake = ourHandshake
        outbox.send(to: peers[place].handle) { handshake.encode(into: &$0) }
    }

    var ourHandshake: Handshake {
        Handshake(capabilities: [.extensionProtocol, .dht, .fast], infoHash: infoHash, peerID: identity.peerID)
    }

    func extensionHandshake(for endpoint: Endpoint) -> ExtensionHandshake {
        var handshake = ExtensionHandshake()
        handshake.metadataID = ExtensionID.metadata
        handshake.peerExchangeID = usesExchange ? ExtensionID.peerExchange : nil
        handshake.isUploadOnly = picker?.isComplete ?? false
        handshake.prefersEncryption = configuration.encryption == .require
        handshake.metadataSize = info?.bytes.count
        handshake.requestQueueDepth = configuration.uploadQueueMax
        handshake.clientVersion = identity.clientName
        handshake.listenPort = identity.listenPort == 0 ? nil : identity.listenPort
        handshake.yourAddress = endpoint.host
        return handshake
    }

    mutating func handshakeReceived(
        _ handshake: Handshake, from handle: PeerHandle, now: Instant, into outbox: inout Outbox
    ) {
        guard let place = places[handle] else { return }
        if let twin = twin(of: place, as: handshake.peerID),
            let loser = twinToDrop(twin, newcomer: place, now: now)
        {
            lose(loser, .duplicate, closing: true, now: now, into: &outbox)
        }
        guard let place = places[handle] else { return }
        enter(.open, at: place, now: now)
        if let info { peers[place].pieces = Bitfield(count: info.pieceCount) }
        report(.peerConnected(peers[place].endpoint), into: &outbox)
        introduce(place, now: now, into: &outbox)
        if handshake.capabilities.contains(.dht), identity.listenPort != 0 {
            send(.port(identity.listenPort), to: place, now: now, into: &outbox)
        }
    }

    /// Another open connection to the same peer.
    ///
    /// Only one of the same host: else a host that copies a peer id could end that peer's connections.
    private func twin(of place: Int, as peerID: PeerID) -> Int? {
        peers.indices.first {
            $0 != place && peers[$0].isOpen && peers[$0].session.peerHandshake?.peerID == peerID
                && peers[$0].endpoint.host == peers[place].endpoint.host
        }
    }

    /// Which of two connections to one peer ends; nil if both may stay.
    ///
    /// A neighbour on the same address can copy a peer id. So one over which blocks go stays; while they go over
    /// neither both do, and the first block ends the other (`dropTwin`). But two clients that have just called each
    /// other drop the same connection: the one that the peer with the smaller id made.
    private mutating func twinToDrop(_ twin: Int, newcomer: Int, now: Instant) -> PeerHandle? {
        if peers[twin].use.isOf(configuration.usefulTime, now: now) { return peers[newcomer].handle }
        let isOurCall = peers[newcomer].isOutgoing
        guard isOurCall != peers[twin].isOutgoing, now - peers[twin].phaseSince < configuration.twinTime,
            let theirs = peers[newcomer].session.peerHandshake?.peerID
        else { return nil }
        let ourCallsLose = !identity.peerID.bytes.lexicographicallyPrecedes(theirs.bytes)
        return isOurCall == ourCallsLose ? peers[newcomer].handle : peers[twin].handle
    }

    /// A peer has given its first block: another connection to it that is of no use is not needed.
    mutating func dropTwin(of place: Int, now: Instant, into outbox: inout Outbox) {
        guard let peerID = peers[place].session.peerHandshake?.peerID, let twin = twin(of: place, as: peerID),
            !peers[twin].use.isOf(configuration.usefulTime, now: now)
        else { return }
        lose(peers[twin].handle, .duplicate, closing: true, now: now, into: &outbox)
    }

    @discardableResult
    private mutating func insert(_ peer: Peer) -> Int {
        places[peer.handle] = peers.count
        peers.append(peer)
        peers[peers.count - 1].uploads = OutstandingRequests(seed: generator.next())
        if peer.isOutgoing {
            counters.attempts += 1
            if peer.failuresBefore > 0 { counters.retries += 1 }
        } else {
            callers.insert(peer.handle, heldBy: peer.endpoint)
        }
        return peers.count - 1
    }

    private mutating func enter(_ phase: Peer.Phase, at place: Int, now: Instant) {
        if phase == .open, peers[place].isOutgoing {
            attemptEnded(
                at: peers[place].endpoint, failuresBefore: peers[place].failuresBefore, hasHandshake: true, now: now)
        }
        peers[place].phase = phase
        peers[place].phaseSince = now
    }

    /// An attempt of ours that is counted has ended, in a connection or not.
    private mutating func attemptEnded(
        at endpoint: Endpoint, failuresBefore: Int, hasHandshake: Bool, now: Instant
    ) {
        counters.attempts -= 1
        if failuresBefore > 0 { counters.retries -= 1 }
        connectLimits.ended(endpoint, hasHandshake: hasHandshake, now: now)
        if hasHandshake { candidates.answered(endpoint) }
    }

    /// Ends a connection or attempt.
    ///
    /// With `closing`, the driver is told to close it; else it has said that it is gone.
    mutating func lose(
        _ handle: PeerHandle, _ reason: PeerLoss, closing: Bool, now: Instant, into outbox: inout Outbox
    ) {
        guard let place = places.removeValue(forKey: handle) else { return }
        // Moved, not copied: a peer is large.
        peers.swapAt(place, peers.count - 1)
        let peer = peers.removeLast()
        if place < peers.count { places[peers[place].handle] = place }
        outbox.lost.append(handle)
        if closing { outbox.actions.append(.close(handle)) }
        if peer.isOutgoing, !peer.isOpen {
            attemptEnded(at: peer.endpoint, failuresBefore: peer.failuresBefore, hasHandshake: false, now: now)
        }
        callers.remove(handle)
        if reason == .displaced { counters.displaced += 1 }
        if !peer.isOpen, reason != .displaced { counters.connectFailures += 1 }
        if !peer.isChokedByUs { counters.unchoked -= 1 }
        if peer.isOpen { stopAsking(peer, now: now, into: &outbox) }
        race?.left(handle)
        rememberProved(peer)
        uploadsEnded(with: peer, lostBy: reason, now: now)
        rememberEndpoint(of: peer, lostBy: reason, now: now)
        report(.peerLost(peer.endpoint, reason), into: &outbox)
    }
}
