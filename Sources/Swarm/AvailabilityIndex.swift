package import Primitives

/// The pieces still to be begun, ordered by how many peers have them, so that the rarest is found without a scan.
///
/// A peer is counted by what it has or, when it has more than half, by what it lacks. Counts are therefore relative to
/// the number of peers counted by what they lack, and may be negative. A change of one piece of one peer moves that
/// piece between two neighbouring buckets in constant time, also when the peer becomes a seed by it.
package struct AvailabilityIndex {
    /// How a peer is counted for as long as it is here.
    package enum Counting: Equatable, Sendable {
        case byPieces
        case byGaps
    }

    /// How many peers have each piece, beyond `countedByGaps`.
    private var counts: [Int16]
    /// Where a piece lies in its bucket; -1 while it is not waiting to be begun.
    private var positions: [Int32]
    /// The waiting pieces by count, those of count `-base` first.
    private var buckets: [[Int32]] = [[]]
    private var base = 0
    private var waiting: Bitfield
    /// No piece before this one is waiting.
    private var firstWaiting = 0
    private var countedByGaps = 0

    /// Entries of buckets that one pick may look at before it settles for a rare piece that need not be the rarest.
    ///
    /// Looking at one takes some 2 ns.
    private static let looksMax = 2_048
    /// Pieces that are compared when no bucket gave one within that.
    private static let comparisonsMax = 64

    package init(pieceCount: Int) {
        counts = Array(repeating: 0, count: pieceCount)
        positions = Array(repeating: -1, count: pieceCount)
        waiting = Bitfield(count: pieceCount)
    }

    package var waitingCount: Int { waiting.setCount }

    package func isWaiting(_ piece: Int) -> Bool { positions[piece] >= 0 }

    /// How many peers have the piece.
    package func availability(of piece: Int) -> Int { Int(counts[piece]) + countedByGaps }

    package mutating func insert(_ piece: Int) {
        guard positions[piece] < 0 else { return }
        place(piece)
        waiting[piece] = true
        firstWaiting = min(firstWaiting, piece)
    }

    package mutating func remove(_ piece: Int) {
        guard positions[piece] >= 0 else { return }
        displace(piece)
        waiting[piece] = false
    }

    /// Returns how the peer is counted, which `peerLeft` must be told.
    package mutating func peerJoined(having pieces: Bitfield) -> Counting {
        let counting: Counting = pieces.setCount * 2 > pieces.count ? .byGaps : .byPieces
        count(pieces, counting, by: 1)
        return counting
    }

    package mutating func peerLeft(having pieces: Bitfield, counted counting: Counting) {
        count(pieces, counting, by: -1)
    }

    /// A peer that is counted has `piece` as well.
    package mutating func peerGained(_ piece: Int) { change(piece, by: 1) }

    /// The rarest waiting piece among `pieces`; a random one of those that are equally rare.
    ///
    /// In a torrent of more than some thousand pieces, a peer that has few of them may be given the rarest of a sample.
    package func rarest(in pieces: Bitfield, using generator: inout SeededGenerator) -> Int? {
        // Most peers have nothing new most of the time, and are not worth a walk through the buckets.
        guard waiting.intersects(pieces) else { return nil }
        var looksLeft = Self.looksMax
        for bucket in buckets where !bucket.isEmpty {
            let start = Int.random(in: 0..<bucket.count, using: &generator)
            let looks = min(bucket.count, looksLeft)
            for step in 0..<looks {
                let index = start + step
                let piece = Int(bucket[index < bucket.count ? index : index - bucket.count])
                if pieces[piece] { return piece }
            }
            looksLeft -= looks
            guard looksLeft > 0 else { return rarestOfSome(in: pieces, using: &generator) }
        }
        return nil
    }

    private func rarestOfSome(in pieces: Bitfield, using generator: inout SeededGenerator) -> Int? {
        let start = Int.random(in: 0..<pieces.count, using: &generator)
        return waiting.common(with: pieces, from: start, wraps: true).prefix(Self.comparisonsMax)
            .min { counts[$0] < counts[$1] }
    }

    /// Any waiting piece among `pieces`, nearly all equally likely when the peer has most of them.
    package func random(in pieces: Bitfield, using generator: inout SeededGenerator) -> Int? {
        guard waiting.intersects(pieces) else { return nil }
        let start = Int.random(in: 0..<positions.count, using: &generator)
        let common = waiting.common(with: pieces, from: start, wraps: true)
        var first: Int?
        for piece in common {
            if piece >= start || piece < start / 64 * 64 { return piece }
            // In the word of `start` and before it: only if there is nothing else.
            first = first ?? piece
        }
        return first
    }

    /// The waiting piece among `pieces` that comes first in the torrent.
    package mutating func first(in pieces: Bitfield) -> Int? {
        guard waitingCount > 0 else { return nil }
        while positions[firstWaiting] < 0 { firstWaiting += 1 }
        var common = waiting.common(with: pieces, from: firstWaiting)
        return common.next()
    }

    private mutating func count(_ pieces: Bitfield, _ counting: Counting, by difference: Int) {
        switch counting {
        case .byPieces:
            for piece in pieces.setIndices { change(piece, by: difference) }
        case .byGaps:
            countedByGaps += difference
            guard !pieces.isFull else { return }
            for piece in Bitfield(filled: pieces.count).subtracting(pieces).setIndices {
                change(piece, by: -difference)
            }
        }
    }

    private mutating func change(_ piece: Int, by difference: Int) {
        let waiting = positions[piece] >= 0
        if waiting { displace(piece) }
        counts[piece] = Int16(clamping: Int(counts[piece]) + difference)
        if waiting { place(piece) }
    }

    private mutating func place(_ piece: Int) {
        let count = Int(counts[piece])
        if count + base < 0 {
            buckets.insert(contentsOf: Array(repeating: [], count: -count - base), at: 0)
            base = -count
        }
        while buckets.count <= count + base { buckets.append([]) }
        positions[piece] = Int32(buckets[count + base].count)
        buckets[count + base].append(Int32(piece))
    }

    private mutating func displace(_ piece: Int) {
        let bucket = Int(counts[piece]) + base
        let position = Int(positions[piece])
        let last = buckets[bucket].removeLast()
        // Peers that come one after the other would leave a bucket of memory for each.
        if buckets[bucket].isEmpty { buckets[bucket] = [] }
        if position < buckets[bucket].count {
            buckets[bucket][position] = last
            positions[Int(last)] = Int32(position)
        }
        positions[piece] = -1
    }
}
