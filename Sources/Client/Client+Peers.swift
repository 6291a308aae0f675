package import PeerProtocol
package import Primitives
package import Swarm

/// Facts about connections and files, passed to the swarm that they concern.
extension Client {
    /// Somebody has connected to us.
    ///
    /// One that waits for its handshake may have to give way.
    package mutating func accepted(from endpoint: Endpoint, now: Instant, into outbox: inout Outbox) -> PeerHandle {
        lobby.enter(endpoint, now: now, into: &outbox.swarm)
    }

    package mutating func connected(_ peer: PeerHandle, now: Instant, into outbox: inout Outbox) {
        withSwarm(of: peer, now: now, into: &outbox) { $0.connected(peer, now: now, into: &$1) }
    }

    package mutating func connectFailed(_ peer: PeerHandle, now: Instant, into outbox: inout Outbox) {
        withSwarm(of: peer, now: now, into: &outbox) { $0.connectFailed(peer, now: now, into: &$1) }
    }

    package mutating func disconnected(_ peer: PeerHandle, now: Instant, into outbox: inout Outbox) {
        withSwarm(of: peer, now: now, into: &outbox) { $0.disconnected(peer, now: now, into: &$1) }
        lobby.leave(peer)
    }

    /// Reads a prefix of `bytes` and returns its length; pass the rest again when more has come.
    package mutating func received(
        _ bytes: RawSpan, from peer: PeerHandle, now: Instant, into outbox: inout Outbox
    ) -> Int {
        if let torrent = torrent(of: peer) {
            let consumed = withSwarm(torrent, now: now, into: &outbox) {
                $0.received(bytes, from: peer, now: now, into: &$1)
            }
            settle(now: now, into: &outbox)
            return consumed ?? bytes.byteCount
        }
        switch lobby.received(bytes, from: peer, now: now) {
        case .wait: return 0
        case .refuse:
            outbox.swarm.actions.append(.close(peer))
            return bytes.byteCount
        case .ourselves(let answer):
            outbox.swarm.sendOpening(answer, to: peer)
            outbox.swarm.actions.append(.close(peer))
            return bytes.byteCount
        case .wants(let infoHash, let guest, let consumed):
            guard let torrent = torrentsByInfoHash[infoHash] else {
                outbox.swarm.actions.append(.close(peer))
                return bytes.byteCount
            }
            adopted[peer] = torrent
            // The peer was asked for nothing yet, so nothing below is payload whose offset would matter.
            withSwarm(of: peer, now: now, into: &outbox) {
                $0.adopt(peer, endpoint: guest.endpoint, session: guest.session, now: now, into: &$1)
            }
            return consumed
                + received(bytes.extracting(consumed..<bytes.byteCount), from: peer, now: now, into: &outbox)
        }
    }

    /// A block asked for by `readBlock` was written to the peer.
    package mutating func blockSent(
        _ block: BlockRequest, to peer: PeerHandle, now: Instant, into outbox: inout Outbox
    ) {
        withSwarm(of: peer, now: now, into: &outbox) { $0.blockSent(block, to: peer, now: now, into: &$1) }
    }

    /// The same for several, at the price of one.
    package mutating func blocksSent(
        _ blocks: [BlockRequest], to peer: PeerHandle, now: Instant, into outbox: inout Outbox
    ) {
        withSwarm(of: peer, now: now, into: &outbox) { swarm, outbox in
            for block in blocks { swarm.blockSent(block, to: peer, now: now, into: &outbox) }
        }
    }

    /// A block asked for by `readBlock` cannot be read.
    package mutating func blockUnreadable(
        _ block: BlockRequest, to peer: PeerHandle, now: Instant, into outbox: inout Outbox
    ) {
        withSwarm(of: peer, now: now, into: &outbox) { $0.blockUnreadable(block, to: peer, now: now, into: &$1) }
    }

    /// The files are open; `have` says which pieces are there and verified.
    package mutating func storageOpened(
        _ torrent: TorrentHandle, have: Bitfield, now: Instant, into outbox: inout Outbox
    ) {
        withSwarm(torrent, now: now, into: &outbox) { $0.storageOpened(have: have, now: now, into: &$1) }
        settle(now: now, into: &outbox)
    }

    package mutating func storageFailed(_ torrent: TorrentHandle, now: Instant, into outbox: inout Outbox) {
        withSwarm(torrent, now: now, into: &outbox) { $0.storageFailed(now: now, into: &$1) }
        settle(now: now, into: &outbox)
    }

    package mutating func pieceVerified(
        _ piece: Int, of torrent: TorrentHandle, now: Instant, into outbox: inout Outbox
    ) {
        withSwarm(torrent, now: now, into: &outbox) { $0.pieceVerified(piece, now: now, into: &$1) }
        settle(now: now, into: &outbox)
    }

    package mutating func pieceFailed(
        _ piece: Int, blocks: [BlockDigest], of torrent: TorrentHandle, now: Instant, into outbox: inout Outbox
    ) {
        withSwarm(torrent, now: now, into: &outbox) {
            $0.pieceFailed(piece, blocks: blocks, now: now, into: &$1)
        }
        settle(now: now, into: &outbox)
    }

    /// The answer to `digestBlocks`.
    package mutating func blocksDigested(
        _ piece: Int, _ blocks: [BlockDigest], of torrent: TorrentHandle, now: Instant, into outbox: inout Outbox
    ) {
        withSwarm(torrent, now: now, into: &outbox) { $0.blocksDigested(piece, blocks, now: now, into: &$1) }
        settle(now: now, into: &outbox)
    }

    /// How many bytes the torrent's storage has been given and has not yet written or dropped.
    package mutating func storageBacklogChanged(
        of torrent: TorrentHandle, bytes: Int, now: Instant, into outbox: inout Outbox
    ) {
        withSwarm(torrent, now: now, into: &outbox) { $0.storageBacklogChanged(bytes: bytes, now: now, into: &$1) }
    }

    private mutating func withSwarm(
        of peer: PeerHandle, now: Instant, into outbox: inout Outbox,
        _ change: (inout Swarm, inout Swarm.Outbox) -> Void
    ) {
        guard let torrent = torrent(of: peer) else { return }
        withSwarm(torrent, now: now, into: &outbox, change)
        settle(now: now, into: &outbox)
    }
}
