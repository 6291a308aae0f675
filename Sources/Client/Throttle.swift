import Primitives
import Swarm

/// How many bytes of payload a second all torrents together may move one way, and who gets them next.
///
/// What has come in is divided in equal shares among the torrents that wait for it; a torrent that wants less than its
/// share leaves the rest for the next round, which comes soon.
struct Throttle {
    /// Short against what anybody notices, long against what a round costs.
    static let interval: Duration = .milliseconds(50)
    /// The smallest share: one block.
    private static let leastShare = 16 << 10

    private var bucket: TokenBucket
    private(set) var nextRound: Instant
    /// Who was given the first share of the last round.
    private var lastFirst: TorrentHandle?

    /// A burst of a tenth of a second, at least two blocks.
    init(bytesPerSecond: Int, now: Instant) {
        bucket = TokenBucket(
            perSecond: bytesPerSecond, burst: max(bytesPerSecond / 10, Self.leastShare * 2), now: now)
        nextRound = now
    }

    /// The shares of those that wait, in the order in which they are to be given; they count as used.
    mutating func shares(of waiting: [TorrentHandle], now: Instant) -> [(torrent: TorrentHandle, bytes: Int)] {
        nextRound = now + Self.interval
        bucket.refill(now: now)
        var left = bucket.tokens
        guard left > 0, !waiting.isEmpty else { return [] }
        let sorted = waiting.sorted()
        let start = lastFirst.flatMap { last in sorted.firstIndex { $0 > last } } ?? 0
        let order = sorted[start...] + sorted[..<start]
        let share = max(left / waiting.count, Self.leastShare)
        var shares: [(torrent: TorrentHandle, bytes: Int)] = []
        for torrent in order where left > 0 {
            shares.append((torrent, share))
            left -= share
        }
        lastFirst = shares.first?.torrent
        bucket.take(shares.reduce(0) { $0 + $1.bytes })
        return shares
    }

    /// Takes back what a torrent was given and has no use for.
    mutating func giveBack(_ bytes: Int) {
        bucket.take(-bytes)
    }
}
