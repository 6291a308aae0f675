import Metainfo
import PeerProtocol
import Primitives

/// Asking for blocks: new ones, those that a silent or slower peer was asked for, and in the end game those of all.
extension Swarm {
    /// Keeps the peer's queue as deep as its pipeline says.
    mutating func fillRequests(_ place: Int, now: Instant, into outbox: inout Outbox) {
        // The picker and the session are used in place: a copy held here would make each change copy its tables.
        guard let generation = picker?.generation, peers[place].isOpen, peers[place].areWeInterested,
            let pieces = peers[place].isChokingUs ? piecesWhileChoked(place) : peers[place].askable
        else { return }
        let outstanding = peers[place].owedBlocks
        let wanted = window(of: place, now: now) - outstanding
        guard wanted > 0, peers[place].idleGeneration != generation else { return }
        let room = mayRequest(wanted, blockLength: BlockRequest.usualLength, into: &outbox)
        guard room > 0 else { return }

        var asker = PiecePicker.Asker(peers[place].handle, having: pieces)
        asker.isFast = deliversWholePieces(place)
        asker.mayTakeSuspects = mayTakeSuspects(place)
        var blocks: [BlockRequest] = []
        pick(room, for: asker, at: place, now: now, into: &blocks)
        var isCopy = false
        if blocks.isEmpty, outstanding == 0 {
            takeOver(room, for: place, having: pieces, now: now, into: &blocks, &outbox)
            if blocks.isEmpty, picker?.isEndGame == true {
                isCopy = true
                picker?.duplicate(
                    min(room, configuration.endGameRequestsMax), for: asker,
                    copies: configuration.duplicateRequestsMax, outstanding: peers[place].session.outstanding,
                    into: &blocks)
            }
        }
        ask(blocks, of: place, now: now, into: &outbox)
        // A copy at a peer that never gave must not keep a giver from being asked.
        if isCopy, !blocks.isEmpty, !peers[place].trust.isGiver { doubt(place) }
    }

    /// How many blocks the peer may owe.
    private func window(of place: Int, now: Instant) -> Int {
        guard peers[place].trust.isDoubted else { return peers[place].pipeline.target }
        return peers[place].trust.mayBeAsked(now: now) ? 1 : 0
    }

    /// What is free, and then what only peers owe that do not give.
    private mutating func pick(
        _ room: Int, for asker: PiecePicker.Asker, at place: Int, now: Instant, into blocks: inout [BlockRequest]
    ) {
        if picker?.isSequential == true, peers[place].trust.isGiver {
            picker?.duplicateFront(
                room, for: asker, begunBefore: now - frontPatience, outstanding: peers[place].session.outstanding,
                into: &blocks)
        }
        var current = peers[place].currentPiece
        picker?.pick(
            room - blocks.count, for: asker, current: &current, now: now, using: &generator, into: &blocks)
        peers[place].currentPiece = current
        guard blocks.count < room, picker?.hasDoubtful == true, !peers[place].trust.isDoubted else { return }
        picker?.pickDoubtful(
            room - blocks.count, for: asker, outstanding: peers[place].session.outstanding, into: &blocks)
    }

    private mutating func ask(_ blocks: [BlockRequest], of place: Int, now: Instant, into outbox: inout Outbox) {
        let wasIdle = peers[place].owedBlocks == 0
        guard !blocks.isEmpty else {
            if wasIdle { queueAsIdle(place) }
            return
        }
        if wasIdle {
            restartClocks(of: place, now: now)
            peers[place].pipeline.resumed(now: now)
        }
        peers[place].lastSentAt = now
        peers[place].mayOwnPieces = true
        for block in blocks { peers[place].session.requested(block, now: now) }
        // What a doubted peer owes holds nothing back, and is paid for when it comes.
        if peers[place].trust.isDoubted {
            picker?.doubted(blocks)
        } else {
            allowance.download? -= blocks.reduce(0) { $0 + $1.length }
        }
        counters.requests += blocks.count
        outbox.send(to: peers[place].handle) { bytes in
            for block in blocks { OutgoingMessage.request(block).encode(into: &bytes) }
        }
    }

    /// Whether the peer gives a piece in so short a time that no other need help.
    private func deliversWholePieces(_ place: Int) -> Bool {
        guard let rate = peers[place].pipeline.bytesPerSecond, let info else { return false }
        return Double(info.pieceLength) <= rate * configuration.wholePieceTime.inSeconds
    }

    /// Whether the peer may be given a piece alone that has failed.
    private func mayTakeSuspects(_ place: Int) -> Bool {
        peers[place].trust.isGiver && (peers[place].trust.verifiedPieces > 0 || !hasProvedPeers)
    }

    /// A peer that gives, and for which nothing is left, takes over from the one that will be the last to be done: so
    /// much that both are done at once, from the end of its queue, where nothing is on its way yet.
    private mutating func takeOver(
        _ count: Int, for place: Int, having pieces: Bitfield, now: Instant, into blocks: inout [BlockRequest],
        _ outbox: inout Outbox
    ) {
        // While nothing is read, all peers are silent.
        guard !isReadingPaused, peers[place].trust.isGiver else { return }
        for (slowest, slow) in owing(besides: place, now: now) {
            let fast = peers[place].pipeline.bytesPerSecond ?? slow
            // Cancels come too late for what is in the peer's socket.
            let time = (peers[slowest].pipeline.quickest ?? .zero) + configuration.uploadQueueTime
            let settled = Int(slow * time.inSeconds) / BlockRequest.usualLength
            let underWay = peers[slowest].session.partial?.block
            let movable = peers[slowest].session.outstanding.blocks.dropFirst(settled).filter {
                $0 != underWay && pieces[$0.piece] && picker?.mayMove($0) == true
            }
            let share = Int(Double(movable.count) * fast / (fast + slow))
            for block in movable.suffix(min(share, count)) {
                cancel(block, of: slowest, now: now, into: &outbox)
                blocks.append(block)
            }
            guard !blocks.isEmpty else { continue }
            peers[slowest].idleGeneration = nil
            return
        }
    }

    /// Peers that give, with their rates, the one that will take the longest for its queue first; what doubted peers
    /// owe need not be taken from them.
    private mutating func owing(besides place: Int, now: Instant) -> [(place: Int, bytesPerSecond: Double)] {
        var owing: [(place: Int, bytesPerSecond: Double, seconds: Double)] = []
        for other in peers.indices where other != place && !peers[other].trust.isDoubted {
            let count = peers[other].owedBlocks
            guard count > 0, let known = peers[other].pipeline.bytesPerSecond else { continue }
            let silence = (now - peers[other].lastProgressAt).inSeconds
            let rate = max(1, known) / max(1, silence)
            owing.append((other, rate, Double(count) / rate))
        }
        owing.sort { $0.seconds > $1.seconds }
        return owing.map { ($0.place, $0.bytesPerSecond) }
    }
}
