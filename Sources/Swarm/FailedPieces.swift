import OrderedCollections
import Primitives

/// What a block's bytes were, short enough to be kept: the first half of their SHA-1.
package typealias BlockDigest = UInt64

/// Attempts at pieces that failed their hash, kept until the piece is right: then each block that differs from the
/// right one names its giver as the liar, and no other peer.
struct FailedPieces: Sendable {
    struct Attempt: Sendable {
        let blocks: [BlockDigest]
        let givers: [PeerHandle?]
        /// Where the givers were, since some are gone by the time the piece is right.
        let endpoints: [PeerHandle: Endpoint]
    }

    /// Blocks of all attempts together, and attempts at one piece: what liars can make us keep, some 2 MB.
    static let blocksMax = 1 << 16
    static let attemptsMax = 4

    /// The piece that failed first is the first to be forgotten.
    private var attempts: OrderedDictionary<Int, [Attempt]> = [:]
    private var blockCount = 0
    /// Not remembered, or forgotten, since there was no room.
    private(set) var refusedCount = 0

    func isSuspect(_ piece: Int) -> Bool { attempts[piece] != nil }

    mutating func remember(_ piece: Int, _ attempt: Attempt) {
        guard attempts[piece, default: []].count < Self.attemptsMax, attempt.blocks.count <= Self.blocksMax else {
            refusedCount += 1
            return
        }
        attempts[piece, default: []].append(attempt)
        blockCount += attempt.blocks.count
        while blockCount > Self.blocksMax, attempts.count > 1 {
            refusedCount += 1
            forget(attempts.keys[0])
        }
    }

    /// Who gave blocks that the right piece does not have, with their endpoints, in the order of the blocks; forgets
    /// the attempts.
    mutating func liars(of piece: Int, right: [BlockDigest]) -> [(peer: PeerHandle, endpoint: Endpoint)] {
        var liars: [(peer: PeerHandle, endpoint: Endpoint)] = []
        let known = attempts[piece] ?? []
        forget(piece)
        for attempt in known where attempt.blocks.count == right.count {
            for block in right.indices where attempt.blocks[block] != right[block] {
                guard let peer = attempt.givers[block], let endpoint = attempt.endpoints[peer] else { continue }
                if !liars.contains(where: { $0.peer == peer }) { liars.append((peer, endpoint)) }
            }
        }
        return liars
    }

    private mutating func forget(_ piece: Int) {
        for attempt in attempts.removeValue(forKey: piece) ?? [] { blockCount -= attempt.blocks.count }
    }
}
