import Digest
package import Primitives

/// The tokens of `get_peers`: proof that an announcer receives at the address it claims (BEP 5).
///
/// A token is a keyed hash of the asker's endpoint and id and the infohash, so it opens nothing else: not another
/// infohash, not from another port. Nothing is stored per token.
package struct Tokens: Sendable {
    package static let byteCount = 8

    private let rotation: Duration
    private var generator: SeededGenerator
    private var current: SipHash
    private var previous: SipHash
    private var rotatedAt: Instant

    /// The generator is the tokens' own, split off for secrets.
    package init(rotation: Duration, generator: SeededGenerator, now: Instant) {
        self.rotation = rotation
        self.generator = generator
        current = SipHash(key: (self.generator.next(), self.generator.next()))
        previous = SipHash(key: (self.generator.next(), self.generator.next()))
        rotatedAt = now
    }

    package mutating func token(for infoHash: InfoHash, id: NodeID, endpoint: Endpoint, now: Instant) -> UInt64 {
        rotateIfDue(now: now)
        return digest(infoHash, id, endpoint, with: current)
    }

    /// Whether `token` was given for exactly this, at most two rotations ago.
    package mutating func accepts(
        _ token: RawSpan, for infoHash: InfoHash, id: NodeID, endpoint: Endpoint, now: Instant
    ) -> Bool {
        rotateIfDue(now: now)
        guard token.byteCount == Tokens.byteCount else { return false }
        let claimed = token.bigEndian(at: 0, as: UInt64.self)
        // Whole words and no early exit: the time taken tells nothing about how much was right.
        let isCurrent = claimed ^ digest(infoHash, id, endpoint, with: current) == 0
        let isPrevious = claimed ^ digest(infoHash, id, endpoint, with: previous) == 0
        return isCurrent != isPrevious || isCurrent
    }

    /// Done when a token is made or seen, so that an idle node needs no timer for it.
    private mutating func rotateIfDue(now: Instant) {
        let age = rotatedAt.duration(to: now)
        guard age >= rotation else { return }
        previous = age < rotation * 2 ? current : SipHash(key: (generator.next(), generator.next()))
        current = SipHash(key: (generator.next(), generator.next()))
        rotatedAt = now
    }

    private func digest(_ infoHash: InfoHash, _ id: NodeID, _ endpoint: Endpoint, with secret: SipHash) -> UInt64 {
        let words = endpoint.words
        let message: [8 of UInt64] = [
            infoHash.high, infoHash.middle, UInt64(infoHash.low) << 32 | UInt64(id.low), id.high, id.middle,
            words[0], words[1], words[2],
        ]
        return secret.hash(message.span.bytes)
    }
}
