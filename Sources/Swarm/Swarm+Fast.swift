import Metainfo
import PeerProtocol
import Primitives

/// The fast extension (BEP 6): rejects instead of silence, and a few pieces for those that are still choked.
extension Swarm {
    /// Pieces of a peer's allowed fast set that are kept: more than BEP 6 proposes to send.
    private static let allowedFastMax = 32
    /// From the first reject of a choke to the choke.
    private static let chokeDelayMax: Duration = .seconds(2)

    /// Of the pieces that we have: who was choked all the time would get nothing to trade.
    mutating func grantFast(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard configuration.servesPeers, peers[place].session.isFast, peers[place].fastGrants.isEmpty, let picker,
            !picker.have.isEmpty
        else { return }
        let pieces = AllowedFastSet.pieces(
            for: peers[place].endpoint, infoHash: infoHash, pieceCount: picker.have.count,
            count: configuration.allowedFastCount)
        peers[place].fastGrants = pieces.filter { picker.have[$0] }
        for piece in peers[place].fastGrants { send(.allowedFast(piece), to: place, now: now, into: &outbox) }
    }

    mutating func allowedFastReceived(_ piece: Int, from place: Int, now: Instant, into outbox: inout Outbox) {
        guard peers[place].allowedFast.count < Self.allowedFastMax, !peers[place].allowedFast.contains(piece),
            info.map({ piece < $0.pieceCount }) ?? true
        else { return }
        peers[place].allowedFast.append(piece)
        peers[place].idleGeneration = nil
        updateInterest(of: place, now: now, into: &outbox)
    }

    /// The block is for others to give; a peer that serves us and still rejects it is not asked for its piece again.
    mutating func rejectReceived(_ block: BlockRequest, from place: Int, now: Instant, into outbox: inout Outbox) {
        // An answer to a cancel of ours is no word about what was asked for since.
        guard !peers[place].answeredCancel(of: block), peers[place].session.rejected(block) else { return }
        picker?.abandoned(CollectionOfOne(block))
        if peers[place].isChokingUs {
            peers[place].allowedFast.removeAll { $0 == block.piece }
        } else if let pieces = peers[place].pieces, block.piece < pieces.count, pieces[block.piece] {
            picker?.peerLost(block.piece, before: pieces)
            peers[place].pieces?[block.piece] = false
            forgetRejects(of: place, now: now)
            peers[place].refused.append((block.piece, now))
        }
        if peers[place].currentPiece == block.piece { peers[place].currentPiece = nil }
        for other in peers.indices where other != place { fillRequests(other, now: now, into: &outbox) }
    }

    /// The peer chokes us: its rejects were for that, if it sends them first, as Transmission 3.00 does.
    mutating func forgiveRejects(of place: Int, now: Instant) {
        forgetRejects(of: place, now: now)
        for (piece, _) in peers[place].refused where peers[place].lacks(piece) {
            peers[place].pieces?[piece] = true
            if let pieces = peers[place].pieces { picker?.peerGained(piece, having: pieces) }
        }
        peers[place].refused = []
    }

    /// Older ones had another reason; nor were there more of a choke than requests.
    private mutating func forgetRejects(of place: Int, now: Instant) {
        let count = peers[place].refused.count
        let old = peers[place].refused.firstIndex { now - $0.at <= Self.chokeDelayMax } ?? count
        peers[place].refused.removeFirst(max(old, count - configuration.requestsMax + 1, 0))
    }

    /// What a choking peer gives all the same; nil if nothing.
    func piecesWhileChoked(_ place: Int) -> Bitfield? {
        guard !peers[place].allowedFast.isEmpty, let pieces = peers[place].pieces,
            picker?.hasFewer(than: configuration.allowedFastCount) == true
        else { return nil }
        var allowed = Bitfield(count: pieces.count)
        for piece in peers[place].allowedFast where pieces[piece] { allowed[piece] = true }
        return allowed.isEmpty ? nil : allowed
    }
}
