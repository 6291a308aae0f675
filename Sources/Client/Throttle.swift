import OrderedCollections
import Primitives
import Swarm

/// How many bytes of payload a second all torrents together may move one way, and who gets them next.
///
/// A torrent that has used up what it was given waits here. What has come in is divided in equal shares among those
/// that wait, in turns; who wants less than its share keeps the rest for later.
struct Throttle {
    /// Short against what anybody notices, long against what a round costs.
    static let interval: Duration = .milliseconds(50)
    /// The smallest share: one block.
    private static let leastShare = 16 << 10

    private var bucket: TokenBucket
    private var nextRound: Instant
    private var waiting: OrderedSet<TorrentHandle> = []

    /// A burst of a tenth of a second, at least two blocks.
    init(bytesPerSecond: Int, now: Instant) {
        bucket = TokenBucket(
            perSecond: bytesPerSecond, burst: max(bytesPerSecond / 10, Self.leastShare * 2), now: now)
        nextRound = now
    }

    var nextDeadline: Instant? { waiting.isEmpty ? nil : nextRound }

    mutating func wait(_ torrent: TorrentHandle) {
        waiting.append(torrent)
    }

    mutating func forget(_ torrent: TorrentHandle) {
        waiting.remove(torrent)
    }

    /// The shares that are due, in the order in which they are to be given; nothing before the next round.
    mutating func shares(now: Instant) -> [(torrent: TorrentHandle, bytes: Int)] {
        guard !waiting.isEmpty, now >= nextRound else { return [] }
        nextRound = now + Self.interval
        bucket.refill(now: now)
        var left = bucket.tokens
        let share = max(left / waiting.count, Self.leastShare)
        var shares: [(torrent: TorrentHandle, bytes: Int)] = []
        // Who is served leaves the front; who wants more comes back at the end.
        while left > 0, let torrent = waiting.first {
            waiting.removeFirst()
            shares.append((torrent, share))
            left -= share
            bucket.take(share)
        }
        return shares
    }
}
