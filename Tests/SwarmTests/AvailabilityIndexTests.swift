import Primitives
import Swarm
import Testing

@Suite struct AvailabilityIndexTests {
    /// Peers come, gain pieces and go, counted either way: the index says of each piece how many have it.
    @Test(arguments: 0..<20) func countsAreThoseOfThePeers(seed: Int) {
        var generator = SeededGenerator(number: UInt64(seed))
        let count = 70
        var index = AvailabilityIndex(pieceCount: count)
        for piece in 0..<count where Bool.random(using: &generator) { index.insert(piece) }
        var peers: [(pieces: Bitfield, counting: AvailabilityIndex.Counting)] = []
        for _ in 0..<400 {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0:
                let share = Double.random(in: 0...1.2, using: &generator)
                var pieces = Bitfield(count: count)
                for piece in 0..<count where Double.random(in: 0..<1, using: &generator) < share {
                    pieces[piece] = true
                }
                peers.append((pieces, index.peerJoined(having: pieces)))
            case 1 where !peers.isEmpty:
                let gone = peers.remove(at: .random(in: 0..<peers.count, using: &generator))
                index.peerLeft(having: gone.pieces, counted: gone.counting)
            case 2:
                let piece = Int.random(in: 0..<count, using: &generator)
                if index.isWaiting(piece) { index.remove(piece) } else { index.insert(piece) }
            default:
                let piece = Int.random(in: 0..<count, using: &generator)
                guard let place = peers.indices.randomElement(using: &generator), !peers[place].pieces[piece] else {
                    continue
                }
                peers[place].pieces[piece] = true
                index.peerGained(piece)
            }
        }
        for piece in 0..<count {
            #expect(index.availability(of: piece) == peers.count { $0.pieces[piece] })
        }
        for peer in peers {
            let waiting = (0..<count).filter { index.isWaiting($0) && peer.pieces[$0] }
            let rarest = index.rarest(in: peer.pieces, using: &generator)
            #expect(rarest.map(index.availability) == waiting.map(index.availability).min())
            #expect(index.first(in: peer.pieces) == waiting.first)
            let random = index.random(in: peer.pieces, using: &generator)
            #expect(waiting.isEmpty ? random == nil : waiting.contains(random ?? -1))
        }
    }

    /// A peer that has one piece of a million, and one that has every hundredth (I4): the cost is bounded by looks at
    /// entries and by a walk over the bits, not by the pieces that it lacks.
    @Test func aPeerThatHasLittleIsGivenARarePieceOfAMillion() {
        var generator = SeededGenerator(number: 1)
        let count = 1_000_000
        var index = AvailabilityIndex(pieceCount: count)
        for piece in 0..<count { index.insert(piece) }
        _ = index.peerJoined(having: Bitfield(filled: count))
        var (one, some) = (Bitfield(count: count), Bitfield(count: count))
        one[765_432] = true
        for piece in stride(from: 99, to: count, by: 100) { some[piece] = true }
        _ = index.peerJoined(having: one)
        _ = index.peerJoined(having: some)
        #expect(index.rarest(in: one, using: &generator) == 765_432)
        for _ in 0..<100 {
            let piece = index.rarest(in: some, using: &generator) ?? 0
            #expect(some[piece])
            index.remove(piece)
        }
        #expect(index.waitingCount == count - 100)
    }

    @Test func bitsInBothAreFoundFromAnyStart() {
        var (left, right) = (Bitfield(count: 200), Bitfield(filled: 200))
        for bit in [0, 63, 64, 130, 199] { left[bit] = true }
        right[64] = false
        #expect(Array(left.setIndices) == [0, 63, 64, 130, 199])
        #expect(Array(left.common(with: right)) == [0, 63, 130, 199])
        #expect(Array(left.common(with: right, from: 70)) == [130, 199])
        #expect(Array(left.common(with: right, from: 140, wraps: true)) == [130, 199, 0, 63])
        #expect(Array(Bitfield(filled: 200).setIndices) == Array(0..<200))
        #expect(Bitfield(filled: 200).bytes == Array(repeating: 255, count: 25))
        #expect(Bitfield(filled: 3).bytes == [0b1110_0000] && Bitfield(filled: 0).isFull)
        #expect(left.union(right).isFull)
    }
}
