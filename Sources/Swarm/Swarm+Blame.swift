import OrderedCollections
import PeerProtocol
package import Primitives

/// Finding the liar of a piece that failed (libtorrent calls it smart ban): block by block, once the piece is right.
extension Swarm {
    mutating func remember(_ piece: Int, _ blocks: [BlockDigest], _ gift: PiecePicker.Gift) {
        // One giver is the liar at once, and needs no proof.
        guard gift.contributors.count > 1, blocks.count == gift.givers.count else { return }
        failures.remember(
            piece, FailedPieces.Attempt(blocks: blocks, givers: gift.givers, endpoints: gift.endpoints))
    }

    /// A piece of several givers has failed: what unproved peers gave of others is asked for again.
    ///
    /// While no peer is proved, there is none to ask instead.
    mutating func disownUnproved(into outbox: inout Outbox) {
        let (places, peers, provedGone) = (places, peers, provedGone)
        guard peers.indices.contains(where: { peers[$0].trust.verifiedPieces > 0 }) else { return }
        let disowned = picker?.disown { giver in
            places[giver].map { peers[$0].trust.verifiedPieces == 0 } ?? !provedGone.contains(giver)
        }
        for block in disowned ?? [] {
            counters.wastedBytes += block.length
            outbox.actions.append(
                .forget(torrent, piece: block.piece, offset: block.offset, length: block.length))
        }
    }

    /// A peer that is proved has gone: what it gave is still worth keeping when another's piece fails.
    mutating func rememberProved(_ peer: Peer) {
        guard peer.trust.verifiedPieces > 0 else { return }
        if provedGone.count >= Self.provedGoneMax { provedGone.removeFirst() }
        provedGone.append(peer.handle)
    }

    /// What one forgotten gave is asked for again, which costs little.
    private static let provedGoneMax = 1_024

    mutating func compareWithFailures(of piece: Int, into outbox: inout Outbox) {
        if failures.isSuspect(piece) { outbox.actions.append(.digestBlocks(torrent, piece: piece)) }
    }

    /// The storage's answer to `digestBlocks`: the blocks of a piece that is right.
    package mutating func blocksDigested(
        _ piece: Int, _ blocks: [BlockDigest], now: Instant, into outbox: inout Outbox
    ) {
        for liar in failures.liars(of: piece, right: blocks) {
            condemn(liar.peer, at: liar.endpoint, now: now, into: &outbox)
        }
        connectMore(now: now, into: &outbox)
    }

    /// The peer has given wrong data, which is proved; its endpoint is known also when it is gone.
    mutating func condemn(
        _ liar: PeerHandle, at endpoint: Endpoint?, now: Instant, into outbox: inout Outbox
    ) {
        if places[liar] != nil {
            lose(liar, .badData, closing: true, now: now, into: &outbox)
        } else if let endpoint {
            candidates.ban(endpoint, now: now)
        }
    }
}
