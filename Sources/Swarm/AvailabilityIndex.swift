import Primitives

/// The pieces still to be begun, ordered by how many peers have them, so that the rarest is found without a scan.
///
/// Peers that have everything are only counted, since they change no order. Every other peer's pieces are counted
/// one by one; a change moves a piece between two buckets in constant time.
struct AvailabilityIndex {
    /// How many peers, those with everything aside, have each piece.
    private var counts: [UInt16]
    /// Where a piece lies in its bucket; -1 while it is not waiting to be begun.
    private var positions: [Int32]
    /// The waiting pieces by count.
    private var buckets: [[Int32]] = [[]]
    private var waiting: Bitfield
    /// No piece before this one is waiting.
    private var firstWaiting = 0
    private var peersWithEverything = 0

    init(pieceCount: Int) {
        counts = Array(repeating: 0, count: pieceCount)
        positions = Array(repeating: -1, count: pieceCount)
        waiting = Bitfield(count: pieceCount)
    }

    var waitingCount: Int { waiting.setCount }

    func isWaiting(_ piece: Int) -> Bool { positions[piece] >= 0 }

    /// How many peers have the piece.
    func availability(of piece: Int) -> Int { Int(counts[piece]) + peersWithEverything }

    mutating func insert(_ piece: Int) {
        guard positions[piece] < 0 else { return }
        place(piece)
        waiting[piece] = true
        firstWaiting = min(firstWaiting, piece)
    }

    mutating func remove(_ piece: Int) {
        guard positions[piece] >= 0 else { return }
        displace(piece)
        waiting[piece] = false
    }

    mutating func peerJoined(having pieces: Bitfield) {
        guard !pieces.isFull else { return peersWithEverything += 1 }
        for piece in pieces.setIndices { change(piece, by: 1) }
    }

    mutating func peerLeft(having pieces: Bitfield) {
        guard !pieces.isFull else { return peersWithEverything -= 1 }
        for piece in pieces.setIndices { change(piece, by: -1) }
    }

    /// A peer has `piece` as well, and so has `pieces`.
    mutating func peerGained(_ piece: Int, having pieces: Bitfield) {
        guard pieces.isFull else { return change(piece, by: 1) }
        for other in pieces.setIndices where other != piece { change(other, by: -1) }
        peersWithEverything += 1
    }

    /// A peer that had `before` has `piece` no longer.
    mutating func peerLost(_ piece: Int, before: Bitfield) {
        guard before.isFull else { return change(piece, by: -1) }
        for other in before.setIndices where other != piece { change(other, by: 1) }
        peersWithEverything -= 1
    }

    /// The rarest waiting piece among `pieces`; a random one of those that are equally rare.
    func rarest(in pieces: Bitfield, using generator: inout SeededGenerator) -> Int? {
        // Most peers have nothing new most of the time, and are not worth a walk through the buckets.
        guard waiting.intersects(pieces) else { return nil }
        for bucket in buckets where !bucket.isEmpty {
            let start = Int.random(in: 0..<bucket.count, using: &generator)
            for step in 0..<bucket.count {
                let index = start + step
                let piece = Int(bucket[index < bucket.count ? index : index - bucket.count])
                if pieces[piece] { return piece }
            }
        }
        return nil
    }

    /// Any waiting piece among `pieces`, all equally likely when the peer has most of them.
    func random(in pieces: Bitfield, using generator: inout SeededGenerator) -> Int? {
        guard waiting.intersects(pieces) else { return nil }
        let start = Int.random(in: 0..<positions.count, using: &generator)
        for step in 0..<positions.count {
            let index = start + step
            let piece = index < positions.count ? index : index - positions.count
            if positions[piece] >= 0, pieces[piece] { return piece }
        }
        return nil
    }

    /// The waiting piece among `pieces` that comes first in the torrent.
    mutating func first(in pieces: Bitfield) -> Int? {
        guard waitingCount > 0 else { return nil }
        while positions[firstWaiting] < 0 { firstWaiting += 1 }
        return (firstWaiting..<positions.count).first { positions[$0] >= 0 && pieces[$0] }
    }

    private mutating func change(_ piece: Int, by difference: Int) {
        let waiting = positions[piece] >= 0
        if waiting { displace(piece) }
        counts[piece] = UInt16(clamping: Int(counts[piece]) + difference)
        if waiting { place(piece) }
    }

    private mutating func place(_ piece: Int) {
        let count = Int(counts[piece])
        while buckets.count <= count { buckets.append([]) }
        positions[piece] = Int32(buckets[count].count)
        buckets[count].append(Int32(piece))
    }

    private mutating func displace(_ piece: Int) {
        let count = Int(counts[piece])
        let position = Int(positions[piece])
        let last = buckets[count].removeLast()
        if position < buckets[count].count {
            buckets[count][position] = last
            positions[Int(last)] = Int32(position)
        }
        positions[piece] = -1
    }
}
