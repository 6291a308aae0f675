import OrderedCollections
import PeerProtocol
import Primitives
import Swarm

/// Local service discovery (BEP 14): when which torrent is announced on the links, and whose announces are heard.
struct LocalDiscovery {
    /// How often a torrent is announced, and how soon again at the earliest (BEP 14).
    static let interval: Duration = .seconds(5 * 60)
    static let intervalMin: Duration = .seconds(60)
    /// The first announce waits so long for other torrents to share its packet.
    static let gatherTime: Duration = .milliseconds(200)
    /// Packets in a minute; torrents beyond wait for the next.
    static let packetsPerMinuteMax = 10
    /// Announces of our torrents that are heard of one address in a minute: a host with 200 torrents sends as many.
    static let packetsPerSourceMax = 10
    /// Addresses with such announces that are remembered for a minute; of more, all have the same chance.
    static let sourcesMax = 256

    private let cookie: String
    private var generator: SeededGenerator
    private var entries: OrderedDictionary<TorrentHandle, Entry> = [:]
    /// The earliest of the entries, or before it.
    private var next: Instant?
    private var sent: Minute
    private var heard: Minute
    /// In the minute of `heard`, by source with port 0.
    private var heardBySource: OrderedDictionary<Endpoint, Int> = [:]
    /// Announces of our torrents that were passed over.
    private(set) var passedOverCount = 0

    private struct Entry {
        let infoHash: InfoHash
        let port: UInt16
        var next: Instant
        var last: Instant?
    }

    /// Counts within a minute, from the first thing counted.
    private struct Minute {
        private(set) var end = Instant.origin
        var count = 0

        /// True when a new one has begun.
        mutating func roll(now: Instant) -> Bool {
            guard now >= end else { return false }
            (end, count) = (now + .seconds(60), 0)
            return true
        }
    }

    init(generator: inout SeededGenerator) {
        cookie = Hex.encode(generator.bytes(count: 8))
        self.generator = generator.split()
        (sent, heard) = (Minute(), Minute())
    }

    var nextDeadline: Instant? {
        guard let next else { return nil }
        return sent.count < Self.packetsPerMinuteMax ? next : max(next, sent.end)
    }

    /// Begins with a torrent whose peers connect to `port`.
    mutating func add(_ torrent: TorrentHandle, _ infoHash: InfoHash, port: UInt16, now: Instant) {
        guard port != 0 else { return }
        entries[torrent] = Entry(infoHash: infoHash, port: port, next: now + Self.gatherTime)
        next = min(next ?? .distantFuture, now + Self.gatherTime)
    }

    func announces(_ torrent: TorrentHandle) -> Bool { entries[torrent] != nil }

    mutating func remove(_ torrent: TorrentHandle) {
        entries[torrent] = nil
    }

    /// Its last peer is gone: it is announced as soon as it may be.
    mutating func starved(_ torrent: TorrentHandle, now: Instant) {
        guard let index = entries.index(forKey: torrent), let last = entries.values[index].last else { return }
        entries.values[index].next = min(entries.values[index].next, max(now, last + Self.intervalMin))
        next = min(next ?? .distantFuture, entries.values[index].next)
    }

    /// Our link was lost and is back: torrents are announced as soon as they may be.
    mutating func networkReturned(now: Instant) {
        for torrent in entries.keys { starved(torrent, now: now) }
    }

    /// What is to be said now, packet by packet.
    mutating func announcesDue(now: Instant) -> [LocalAnnounce] {
        guard let next, next <= now else { return [] }
        _ = sent.roll(now: now)
        var announces: [LocalAnnounce] = []
        while sent.count < Self.packetsPerMinuteMax, let first = entries.values.first(where: { $0.next <= now }) {
            let isDue = { (entry: Entry) in entry.next <= now && entry.port == first.port }
            let due = entries.values.indices.filter { isDue(entries.values[$0]) }.prefix(LocalAnnounce.infoHashesMax)
            for index in due {
                entries.values[index].last = now
                entries.values[index].next = now + Self.interval
            }
            sent.count += 1
            announces.append(
                LocalAnnounce(infoHashes: due.map { entries.values[$0].infoHash }, port: first.port, cookie: cookie))
        }
        self.next = entries.values.lazy.map(\.next).min()
        return announces
    }

    /// Reads what was said to the group; nil when it was ourselves, is no announce of our torrents, or is passed over.
    ///
    /// Sources are easily forged. So only announces of our torrents take room, and when there are more than that, a new
    /// one is heard in place of another at random: no source can be kept out, and none can silence another by its name.
    mutating func heard(
        _ bytes: RawSpan, from source: Endpoint, now: Instant, isOurs: (InfoHash) -> Bool
    ) -> LocalAnnounce? {
        guard let announce = LocalAnnounce(bytes), announce.cookie != cookie,
            announce.infoHashes.contains(where: isOurs)
        else { return nil }
        if heard.roll(now: now) { heardBySource.removeAll(keepingCapacity: true) }
        guard hasRoom(for: source.host) else {
            passedOverCount += 1
            return nil
        }
        return announce
    }

    private mutating func hasRoom(for source: Endpoint) -> Bool {
        if let count = heardBySource[source] {
            heardBySource[source] = count + 1
            return count < Self.packetsPerSourceMax || isDrawn(Self.packetsPerSourceMax, of: count + 1)
        }
        heard.count += 1
        if heardBySource.count >= Self.sourcesMax {
            guard isDrawn(Self.sourcesMax, of: heard.count) else { return false }
            heardBySource.remove(at: Int.random(in: 0..<heardBySource.count, using: &generator))
        }
        heardBySource[source] = 1
        return true
    }

    /// True for `places` of `count`.
    private mutating func isDrawn(_ places: Int, of count: Int) -> Bool {
        Int.random(in: 0..<count, using: &generator) < places
    }
}
