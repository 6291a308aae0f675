import Metainfo
import PeerProtocol
import Primitives

/// The fast extension (BEP 6): rejects instead of silence, and a few pieces for those that are still choked.
extension Swarm {
    /// Pieces of its allowed fast set that a peer may name, rejected ones included: more than BEP 6 proposes to send.
    private static let allowedFastMax = 32
    /// From the first reject of a choke to the choke.
    private static let chokeDelayMax: Duration = .seconds(2)

    /// Grants pieces that we have: a peer that is choked all the time would get nothing to trade.
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
        guard peers[place].allowedFastCount < Self.allowedFastMax, !peers[place].allowedFast.contains(piece),
            info.map({ piece < $0.pieceCount }) ?? true
        else { return }
        peers[place].allowedFast.append(piece)
        peers[place].allowedFastCount += 1
        peers[place].idleGeneration = nil
        updateInterest(of: place, now: now, into: &outbox)
    }

    /// The block is for others to give; a peer that serves us and still rejects it is not asked for its piece for a
    /// while, whatever it announces, and is trusted with fewer requests.
    mutating func rejectReceived(_ block: BlockRequest, from place: Int, now: Instant, into outbox: inout Outbox) {
        // An answer to a cancel of ours is no word about what was asked for since.
        guard !peers[place].answeredCancel(of: block), peers[place].session.rejected(block) else { return }
        requestsEnded(
            [block], partial: nil, of: peers[place].handle, isDoubted: peers[place].trust.isDoubted, into: &outbox)
        if peers[place].isChokingUs {
            peers[place].allowedFast.removeAll { $0 == block.piece }
        } else {
            refuse(block.piece, of: place, now: now)
            changeTrust(of: place) { _ = $0.rejected(now: now) }
        }
        if peers[place].currentPiece == block.piece { peers[place].currentPiece = nil }
        wakeIdle(now: now, into: &outbox)
    }

    /// The piece is not asked of the peer for a while.
    mutating func refuse(_ piece: Int, of place: Int, now: Instant) {
        guard let pieces = peers[place].askable, piece < pieces.count, pieces[piece] else { return }
        if peers[place].withoutRefused == nil { peers[place].withoutRefused = peers[place].pieces }
        peers[place].withoutRefused?[piece] = false
        peers[place].refused.append((piece, now))
    }

    /// The peer chokes us: its rejects were for that, if it sends them first, as Transmission 3.00 does.
    mutating func forgiveRejects(of place: Int, now: Instant) {
        guard !peers[place].refused.isEmpty else { return }
        peers[place].refused.removeAll { now - $0.at <= Self.chokeDelayMax }
        recountRefused(of: place)
    }

    /// A reason to reject may be gone after a while.
    mutating func expireRefusals(of place: Int, now: Instant) {
        guard let first = peers[place].refused.first, now - first.at >= configuration.refusalTime else { return }
        peers[place].refused.removeAll { now - $0.at >= configuration.refusalTime }
        recountRefused(of: place)
    }

    mutating func recountRefused(of place: Int) {
        guard peers[place].withoutRefused != nil else { return }
        peers[place].withoutRefused = peers[place].refused.isEmpty ? nil : peers[place].pieces
        for (piece, _) in peers[place].refused { peers[place].withoutRefused?[piece] = false }
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
