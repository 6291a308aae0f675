import DequeModule
import PeerProtocol
import Primitives

/// Requests that are not answered: what a silent peer owes is asked of others too, and what ends is given back.
extension Swarm {
    /// A peer that owes blocks and sends none for this long delivers nothing soon, whatever its rate was.
    private static let silenceMin: Duration = .seconds(1)
    /// The same for a peer whose quickest block took long.
    private static let silenceMax: Duration = .seconds(4)
    /// The same when no block has become whole, whatever drips in: 4 KiB a second are enough.
    private static let blockSilenceMin: Duration = .seconds(4)
    /// Idle peers that one freed block, or one set of them, may wake; the others are looked after at the next tick.
    private static let wakesMax = 8

    /// Doubts a peer that owes blocks and gives none.
    ///
    /// Nothing is taken from it: when it gives after all, it is trusted again.
    mutating func doubtIfSilent(_ place: Int, now: Instant) {
        guard !isReadingPaused, !peers[place].trust.isDoubted, peers[place].owedBlocks > 0 else { return }
        let quickest = peers[place].pipeline.quickest ?? .zero
        let silence = max(Self.silenceMin, min(quickest * 2, Self.silenceMax))
        guard
            now - peers[place].lastProgressAt > silence
                || now - peers[place].lastBlockAt > max(Self.blockSilenceMin, silence)
        else { return }
        doubt(place)
    }

    /// From now on other peers may be asked for all that the peer owes, and it is paid for when it comes.
    mutating func doubt(_ place: Int) {
        guard !peers[place].trust.isDoubted else { return }
        peers[place].trust.doubt()
        noteDoubt(place)
    }

    /// The peer has given nothing for what it was asked.
    mutating func failed(_ place: Int, asksAgainAtOnce: Bool = false, now: Instant) {
        changeTrust(of: place) { $0.failed(now: now, asksAgainAtOnce: asksAgainAtOnce) }
    }

    /// Keeps the books when a peer becomes doubted or is trusted again.
    mutating func changeTrust(of place: Int, _ change: (inout Trust) -> Void) {
        let (wasDoubted, failures) = (peers[place].trust.isDoubted, peers[place].trust.failures)
        change(&peers[place].trust)
        if peers[place].trust.failures > failures { counters.requestFailures += 1 }
        guard peers[place].trust.isDoubted != wasDoubted else { return }
        if wasDoubted { noteTrust(place) } else { noteDoubt(place) }
    }

    private mutating func noteDoubt(_ place: Int) {
        guard peers[place].owedBlocks > 0 else { return }
        let blocks = peers[place].session.outstanding.blocks
        picker?.doubted(blocks)
        allowance.download? += blocks.reduce(0) { $0 + $1.length } - (peers[place].session.partial?.received ?? 0)
    }

    private mutating func noteTrust(_ place: Int) {
        guard peers[place].owedBlocks > 0 else { return }
        let blocks = peers[place].session.outstanding.blocks
        picker?.trusted(blocks)
        allowance.download? -= blocks.reduce(0) { $0 + $1.length }
    }

    /// The peer is not going to answer these requests, which are not outstanding any more: others may be asked, the
    /// limit is given back what was not received, and the storage forgets the block that was under way.
    mutating func requestsEnded(
        _ blocks: [BlockRequest], partial: Session.Partial?, of peer: PeerHandle, isDoubted: Bool,
        into outbox: inout Outbox
    ) {
        picker?.abandoned(blocks, isDoubted: isDoubted)
        requestsNotAnswered(blocks, partial: partial, of: peer, isDoubted: isDoubted, into: &outbox)
    }

    /// The same for blocks that are already here, or asked of another peer.
    mutating func requestsNotAnswered(
        _ blocks: [BlockRequest], partial: Session.Partial?, of peer: PeerHandle, isDoubted: Bool,
        into outbox: inout Outbox
    ) {
        var received = 0
        if let partial, blocks.contains(partial.block) {
            received = partial.received
            if picker?.forget(partial.block, by: peer) == true {
                counters.wastedBytes += received
                outbox.actions.append(
                    .forget(torrent, piece: partial.block.piece, offset: partial.block.offset, length: received))
            }
        }
        let bytes = blocks.reduce(0) { $0 + $1.length } - received
        if !isDoubted { allowance.download? += bytes }
        guard let place = places[peer] else { return }
        peers[place].takenBackBytes = min(Peer.takenBackBytesMax, peers[place].takenBackBytes + bytes)
    }

    /// The peer is gone: what it owes is for others, first for those that have nothing to do.
    mutating func stopAsking(_ peer: Peer, now: Instant, into outbox: inout Outbox) {
        if let pieces = peer.pieces { picker?.peerLeft(having: pieces, counted: peer.counting) }
        if peer.mayOwnPieces { picker?.released(by: peer.handle) }
        let blocks = peer.session.outstanding.blocks
        guard !blocks.isEmpty else { return }
        requestsEnded(
            blocks, partial: peer.session.partial, of: peer.handle, isDoubted: peer.trust.isDoubted, into: &outbox)
        wakeIdle(now: now, into: &outbox)
    }

    /// The peer works at no piece alone any more.
    mutating func release(_ place: Int) {
        peers[place].currentPiece = nil
        guard peers[place].mayOwnPieces else { return }
        peers[place].mayOwnPieces = false
        picker?.released(by: peers[place].handle)
    }

    /// There is something to ask for again: first of peers that give and have nothing to do.
    mutating func wakeIdle(now: Instant, into outbox: inout Outbox) {
        guard !hasFailed else { return }
        for _ in 0..<Self.wakesMax {
            guard picker?.hasWork == true, let handle = idleGivers.popFirst() ?? idleOthers.popFirst() else { return }
            guard let place = places[handle] else { continue }
            peers[place].isQueuedAsIdle = false
            peers[place].idleGeneration = nil
            fillRequests(place, now: now, into: &outbox)
        }
    }

    /// There was nothing to ask of the peer, which owes nothing.
    mutating func queueAsIdle(_ place: Int) {
        peers[place].idleGeneration = picker?.generation
        guard !peers[place].isQueuedAsIdle else { return }
        peers[place].isQueuedAsIdle = true
        if peers[place].trust.isGiver {
            idleGivers.append(peers[place].handle)
        } else {
            idleOthers.append(peers[place].handle)
        }
    }

    /// Looks again for something to ask of each peer, of those that give first.
    mutating func fillAll(now: Instant, into outbox: inout Outbox) {
        idleGivers.removeAll(keepingCapacity: true)
        idleOthers.removeAll(keepingCapacity: true)
        for place in peers.indices {
            peers[place].idleGeneration = nil
            peers[place].isQueuedAsIdle = false
        }
        for place in peers.indices where peers[place].trust.isGiver { fillRequests(place, now: now, into: &outbox) }
        for place in peers.indices where !peers[place].trust.isGiver { fillRequests(place, now: now, into: &outbox) }
    }
}
