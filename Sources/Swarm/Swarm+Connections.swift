import Metainfo
package import PeerProtocol
package import Primitives

/// Whom the swarm is connected to: found, tried, connected, lost.
extension Swarm {
    /// Endpoints where somebody may have the torrent.
    ///
    /// They are tried at once, as far as the limits allow.
    package mutating func peersFound(
        _ endpoints: [Endpoint], source: PeerSource, now: Instant, into outbox: inout Outbox
    ) {
        let isTrusted = [.user, .magnet, .lsd].contains(source)
        let new = endpoints.filter { candidates.found($0, isTrusted: isTrusted, now: now) }
        if !new.isEmpty { report(.peersFound(new, source), into: &outbox) }
        connectMore(now: now, into: &outbox)
    }

    /// The same for peers that a peer has named, with what it says of them.
    package mutating func peersExchanged(
        _ peers: [PeerExchangeMessage.Added], now: Instant, into outbox: inout Outbox
    ) {
        let new = peers.filter { candidates.found($0.endpoint, $0.flags, now: now) }.map(\.endpoint)
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

    /// Takes over a connection that somebody made to us; its session has read a handshake for this torrent.
    package mutating func adopt(
        _ handle: PeerHandle, endpoint: Endpoint, session: Session, now: Instant, into outbox: inout Outbox
    ) {
        guard !hasFailed, !candidates.isBanned(endpoint, now: now), let handshake = session.peerHandshake,
            makeRoom(for: endpoint, now: now, into: &outbox)
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

    /// False if there is no place for a peer that has called.
    ///
    /// When all are taken, the last in the canonical order (BEP 40) gives way to one that comes before it: so places
    /// are never closed to newcomers, and whoever calls without end gets no more than its share of them. A peer that
    /// has just come, or that gives, stays: an exchange is not to be cut short by every call. Nor does a host displace
    /// anybody that has a place already, but where many peers share one address.
    private mutating func makeRoom(for endpoint: Endpoint, now: Instant, into outbox: inout Outbox) -> Bool {
        // A quarter of the places is kept for peers that we choose ourselves.
        let isQuotaUsed = peers.count(where: { !$0.isOutgoing }) >= configuration.peersMax * 3 / 4
        guard isQuotaUsed || peers.count >= configuration.peersMax else { return true }
        let isHere = configuration.bansHosts && peers.contains { $0.endpoint.host == endpoint.host }
        guard !isHere, let priority = candidates.priority(of: endpoint),
            let last = lastInOrder(before: priority, onlyIncoming: isQuotaUsed, now: now)
        else { return false }
        lose(last, .displaced, closing: true, now: now, into: &outbox)
        return true
    }

    /// The last of those that may be displaced; a call of ours that nobody has answered goes before a connection.
    private func lastInOrder(
        before caller: PeerPriority, onlyIncoming: Bool, now: Instant
    ) -> PeerHandle? {
        var last: (isOpen: Bool, priority: PeerPriority, handle: PeerHandle)?
        for peer in peers where !(onlyIncoming && peer.isOutgoing) && mayBeDisplaced(peer, now: now) {
            guard let priority = candidates.priority(of: peer.endpoint), priority < caller else { continue }
            if let last, (last.isOpen ? 1 : 0, last.priority) <= (peer.isOpen ? 1 : 0, priority) { continue }
            last = (peer.isOpen, priority, peer.handle)
        }
        return last?.handle
    }

    private func mayBeDisplaced(_ peer: Peer, now: Instant) -> Bool {
        switch peer.phase {
        case .connecting: true
        case .handshaking: false
        case .open: !peer.gives && now - peer.phaseSince >= configuration.displaceDelay
        }
    }

    /// Closes every connection, for ever: the torrent is being removed.
    package mutating func close(now: Instant, into outbox: inout Outbox) {
        hasFailed = true
        for handle in peers.map(\.handle) { lose(handle, .redundant, closing: true, now: now, into: &outbox) }
    }

    mutating func connectMore(now: Instant, into outbox: inout Outbox) {
        guard !hasFailed else { return }
        while counters.connecting < configuration.connectingMax, peers.count < configuration.peersMax,
            let endpoint = candidates.next(isSeed: picker?.isComplete == true, now: now)
        {
            let handle = newHandle()
            var session = Session(role: .initiator, infoHash: infoHash, ourPeerID: identity.peerID, now: now)
            if let layout { session.torrentKnown(layout) }
            insert(
                Peer(
                    handle: handle, endpoint: endpoint, isOutgoing: true, session: session,
                    configuration: configuration, now: now))
            outbox.actions.append(.connect(handle, endpoint))
            armTick(now: now)
        }
    }

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
        let twin = peers.first {
            // Of the same host: else whoever copies a peer id could end that peer's connections.
            $0.isOpen && $0.handle != handle && $0.session.peerHandshake?.peerID == handshake.peerID
                && $0.endpoint.host == peers[place].endpoint.host
        }
        if let twin {
            // Both ends must drop the same one of two: the one that the peer with the larger id made.
            let ourCallsLose = !identity.peerID.bytes.lexicographicallyPrecedes(handshake.peerID.bytes)
            let loser =
                peers[place].isOutgoing == twin.isOutgoing || peers[place].isOutgoing == ourCallsLose
                ? handle : twin.handle
            lose(loser, .redundant, closing: true, now: now, into: &outbox)
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

    @discardableResult
    private mutating func insert(_ peer: Peer) -> Int {
        places[peer.handle] = peers.count
        peers.append(peer)
        if peer.phase == .connecting { counters.connecting += 1 }
        return peers.count - 1
    }

    private mutating func enter(_ phase: Peer.Phase, at place: Int, now: Instant) {
        if peers[place].phase == .connecting { counters.connecting -= 1 }
        peers[place].phase = phase
        peers[place].phaseSince = now
    }

    /// Ends a connection or attempt.
    ///
    /// With `closing`, the driver is told to close it; else it has said that it is gone.
    mutating func lose(
        _ handle: PeerHandle, _ reason: PeerLoss, closing: Bool, now: Instant, into outbox: inout Outbox
    ) {
        guard let place = places.removeValue(forKey: handle) else { return }
        let peer = peers[place]
        let last = peers.removeLast()
        if place < peers.count {
            peers[place] = last
            places[last.handle] = place
        }
        outbox.lost.append(handle)
        if closing { outbox.actions.append(.close(handle)) }
        if peer.phase == .connecting { counters.connecting -= 1 }
        if !peer.isOpen, reason != .displaced { counters.connectFailures += 1 }
        if !peer.isChokedByUs { counters.unchoked -= 1 }
        if peer.isOpen {
            picker?.abandoned(peer.session.outstanding.blocks)
            picker?.released(by: handle)
        }
        if let pieces = peer.pieces { picker?.peerLeft(having: pieces) }
        race?.left(handle)
        rememberEndpoint(of: peer, lostBy: reason, now: now)
        report(.peerLost(peer.endpoint, reason), into: &outbox)
    }

    private mutating func ban(_ peer: Peer, now: Instant) {
        candidates.ban(peer.endpoint, now: now)
        // Where hosts are refused, the port does not matter.
        guard !configuration.bansHosts, !peer.isOutgoing, let port = peer.extensions.listenPort, port != 0 else { return }
        var listening = peer.endpoint
        listening.port = port
        candidates.ban(listening, now: now)
    }

    private mutating func rememberEndpoint(of peer: Peer, lostBy reason: PeerLoss, now: Instant) {
        if reason == .badData { return ban(peer, now: now) }
        // The port of an incoming connection is not one to call back at.
        guard peer.isOutgoing else { return }
        if reason == .ourselves { return candidates.isOurselves(peer.endpoint, now: now) }
        if reason.isSuspicious { return candidates.misbehaved(peer.endpoint, now: now) }
        // Who took the call and said nothing may want it opened the other way.
        let saidNothing = peer.phase == .handshaking && (reason == .closed || reason == .timedOut)
        if saidNothing, candidates.opensOtherwise(peer.endpoint) { return }
        switch reason {
        case .redundant: candidates.shelved(peer.endpoint, isSeed: peer.wantsNothing)
        case .displaced where !peer.isOpen: candidates.postponed(peer.endpoint, now: now)
        case .closed where peer.receivedBytes > 0, .displaced: candidates.ended(peer.endpoint, now: now)
        default: candidates.failed(peer.endpoint, now: now)
        }
    }
}
