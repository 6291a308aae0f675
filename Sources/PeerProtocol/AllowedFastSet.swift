import Digest
package import Primitives

/// The pieces that a choked peer may fetch all the same, so that it has something to trade soon (BEP 6).
///
/// Both ends compute the same ones from the peer's network, so that reconnecting gains nothing.
package enum AllowedFastSet {
    /// What BEP 6 proposes.
    package static let usualCount = 10

    /// Up to `count` distinct pieces for the peer at `address`; none for IPv6, for which BEP 6 says nothing.
    package static func pieces(
        for endpoint: Endpoint, infoHash: InfoHash, pieceCount: Int, count: Int = usualCount
    ) -> [Int] {
        guard case .v4(let peer) = endpoint, pieceCount > 0 else { return [] }
        var seed: [UInt8] = []
        seed.appendBigEndian(peer.address & 0xFFFF_FF00)
        infoHash.append(to: &seed)
        var pieces: [Int] = []
        // A torrent of few pieces would keep the search for distinct ones busy.
        let wanted = min(count, pieceCount)
        for _ in 0..<wanted * 16 where pieces.count < wanted {
            seed = SHA1.hash(seed).bytes
            for word in 0..<5 where pieces.count < wanted {
                let number = seed.span.bytes.bigEndian(at: word * 4, as: UInt32.self)
                let piece = Int(number % UInt32(pieceCount))
                if !pieces.contains(piece) { pieces.append(piece) }
            }
        }
        return pieces
    }
}
