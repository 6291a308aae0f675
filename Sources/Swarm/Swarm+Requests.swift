import Metainfo
import PeerProtocol
import Primitives

/// Asking for blocks: new ones, those that somebody slower was asked for, and in the end game those of everybody.
extension Swarm {
    /// Who owes us blocks and gives none for so long delivers nothing soon, whatever its rate was.
    private static let silenceSeconds = 1.0

    /// Keeps the peer's queue as deep as its pipeline says.
    mutating func fillRequests(_ place: Int, now: Instant, into outbox: inout Outbox) {
        // The picker and the session are used in place: a copy held here would make each change copy its tables.
        guard let generation = picker?.generation, peers[place].isOpen, peers[place].areWeInterested,
            let pieces = peers[place].isChokingUs ? piecesWhileChoked(place) : peers[place].pieces
        else { return }
        let outstanding = peers[place].owedBlocks
        let wanted = peers[place].pipeline.target - outstanding
        guard wanted > 0, peers[place].idleGeneration != generation else { return }
        let room = mayRequest(wanted, blockLength: BlockRequest.usualLength, into: &outbox)
        guard room > 0 else { return }

        var blocks: [BlockRequest] = []
        var current = peers[place].currentPiece
        let isFast = deliversWholePieces(place)
        picker?.pick(
            room, for: peers[place].handle, having: pieces, current: &current, isFast: isFast, using: &generator,
            into: &blocks)
        peers[place].currentPiece = current
        if blocks.isEmpty, outstanding == 0 {
            takeOver(room, for: place, having: pieces, now: now, into: &blocks, &outbox)
            if blocks.isEmpty, picker?.isEndGame == true {
                picker?.duplicate(
                    min(room, configuration.endGameRequestsMax), having: pieces,
                    copies: configuration.duplicateRequestsMax, outstanding: peers[place].session.outstanding,
                    into: &blocks)
            }
        }
        ask(blocks, of: place, now: now, into: &outbox)
    }

    private mutating func ask(_ blocks: [BlockRequest], of place: Int, now: Instant, into outbox: inout Outbox) {
        let wasIdle = peers[place].owedBlocks == 0
        guard !blocks.isEmpty else {
            if wasIdle { peers[place].idleGeneration = picker?.generation }
            return
        }
        if wasIdle {
            restartClocks(of: place, now: now)
            peers[place].pipeline.resumed(now: now)
        }
        peers[place].lastSentAt = now
        for block in blocks { peers[place].session.requested(block, now: now) }
        allowance.download? -= blocks.reduce(0) { $0 + $1.length }
        outbox.send(to: peers[place].handle) { bytes in
            for block in blocks { OutgoingMessage.request(block).encode(into: &bytes) }
        }
    }

    /// Whether the peer gives a piece in so short a time that nobody need help.
    private func deliversWholePieces(_ place: Int) -> Bool {
        guard let rate = peers[place].pipeline.bytesPerSecond, let info else { return false }
        return Double(info.pieceLength) <= rate * configuration.wholePieceTime.inSeconds
    }

    /// A peer for which nothing is left takes over from the one that will be the last to be done: so much that both
    /// are done at once, from the end of its queue, where nothing is on its way yet.
    private mutating func takeOver(
        _ count: Int, for place: Int, having pieces: Bitfield, now: Instant, into blocks: inout [BlockRequest],
        _ outbox: inout Outbox
    ) {
        // While nothing is read, everybody is silent.
        guard !isReadingPaused else { return }
        for (slowest, slow, isSilent) in owing(besides: place, now: now) {
            let fast = peers[place].pipeline.bytesPerSecond ?? slow
            // Cancels come too late for what is in the peer's socket.
            let time = (peers[slowest].pipeline.quickest ?? .zero) + configuration.uploadQueueTime
            let settled = isSilent ? 0 : Int(slow * time.inSeconds) / BlockRequest.usualLength
            let movable = peers[slowest].session.outstanding.blocks.dropFirst(settled).filter {
                pieces[$0.piece] && picker?.mayMove($0) == true
            }
            let share = isSilent ? movable.count : Int(Double(movable.count) * fast / (fast + slow))
            for block in movable.suffix(min(share, count)) {
                cancel(block, of: slowest, now: now, into: &outbox)
                blocks.append(block)
            }
            guard !blocks.isEmpty else { continue }
            peers[slowest].idleGeneration = nil
            guard isSilent else { return }
            // It is given one block only, and more time, until it gives again: else two slow ones take from each other
            // for ever.
            peers[slowest].pipeline.stalled()
            if peers[slowest].owedBlocks == 0 { peers[slowest].silencesTaken += 1 }
            return
        }
    }

    /// Peers with requests and their rates, the one that will take the longest first; who is silent is taken to be so
    /// much slower.
    private mutating func owing(
        besides place: Int, now: Instant
    ) -> [(place: Int, bytesPerSecond: Double, isSilent: Bool)] {
        var owing: [(place: Int, bytesPerSecond: Double, isSilent: Bool, seconds: Double)] = []
        for other in peers.indices where other != place {
            let count = peers[other].owedBlocks
            guard count > 0 else { continue }
            let silence = (now - peers[other].lastProgressAt).inSeconds
            let isSilent = silence > patienceSeconds(for: other)
            // Of who has given nothing yet, only the silence tells.
            guard let known = peers[other].pipeline.bytesPerSecond ?? (isSilent ? 1 : nil) else { continue }
            let rate = max(1, known) / max(1, silence)
            owing.append((other, rate, isSilent, Double(count) / rate))
        }
        owing.sort { $0.seconds > $1.seconds }
        return owing.map { ($0.place, $0.bytesPerSecond, $0.isSilent) }
    }

    /// How long a peer that owes blocks may be silent; twice as long each time that others have taken them.
    private mutating func patienceSeconds(for place: Int) -> Double {
        let usual = max(Self.silenceSeconds, 2 * (peers[place].pipeline.quickest ?? .zero).inSeconds)
        let doublings = Double(1 << min(peers[place].silencesTaken, 8))
        return min(usual * doublings, configuration.snubTimeout.inSeconds)
    }
}
