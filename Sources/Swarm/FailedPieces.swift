import Primitives

/// What a block's bytes were, short enough to be kept: the first half of their SHA-1.
package typealias BlockDigest = UInt64

/// Attempts at pieces that failed their hash, kept until the piece is right: then each block that differs from the
/// right one names its giver as the liar, and nobody else.
struct FailedPieces: Sendable {
    struct Attempt: Sendable {
        let blocks: [BlockDigest]
        let givers: [PeerHandle?]
        /// Where the givers were, since some are gone by the time the piece is right.
        let endpoints: [PeerHandle: Endpoint]
    }

    /// Pieces remembered at once, and attempts at each: what liars can make us keep.
    static let piecesMax = 64
    static let attemptsMax = 4

    private var attempts: [Int: [Attempt]] = [:]
    /// Not remembered, since there was no room.
    private(set) var refusedCount = 0

    func isSuspect(_ piece: Int) -> Bool { attempts[piece] != nil }

    mutating func remember(_ piece: Int, _ attempt: Attempt) {
        guard attempts[piece] != nil || attempts.count < Self.piecesMax,
            attempts[piece, default: []].count < Self.attemptsMax
        else {
            refusedCount += 1
            return
        }
        attempts[piece, default: []].append(attempt)
    }

    /// Who gave blocks that the right piece does not have, with their endpoints, in the order of the blocks; forgets
    /// the attempts.
    mutating func liars(of piece: Int, right: [BlockDigest]) -> [(peer: PeerHandle, endpoint: Endpoint)] {
        var liars: [(peer: PeerHandle, endpoint: Endpoint)] = []
        for attempt in attempts.removeValue(forKey: piece) ?? [] where attempt.blocks.count == right.count {
            for block in right.indices where attempt.blocks[block] != right[block] {
                guard let peer = attempt.givers[block], let endpoint = attempt.endpoints[peer] else { continue }
                if !liars.contains(where: { $0.peer == peer }) { liars.append((peer, endpoint)) }
            }
        }
        return liars
    }
}
