import Primitives

/// The filters of one infohash (BEP 33), and since when they stand.
struct ScrapeFilters: Sendable {
    var seeds = ScrapeFilter()
    var peers = ScrapeFilter()
    var madeAt: Instant
}

/// What the store tells about itself: how many peers an infohash has (BEP 33), and which infohashes there are (BEP 51).
extension PeerStore {
    /// A filter takes a hash for each peer, so one made within this time is handed out again.
    private static let filterLifetime = Duration.seconds(15)

    /// The seeds and the other peers of an infohash, of both families.
    mutating func scrape(_ infoHash: InfoHash, now: Instant) -> ScrapeFilters {
        guard let position = index[infoHash] else { return ScrapeFilters(madeAt: now) }
        let known = swarms[position].filters
        if !known.isEmpty, known.value.madeAt.duration(to: now) < Self.filterLifetime { return known.value }
        var filters = ScrapeFilters(madeAt: now)
        let insert = { (endpoint: Endpoint, isSeed: Bool) in
            if isSeed { filters.seeds.insert(endpoint) } else { filters.peers.insert(endpoint) }
        }
        swarms[position].v4.forEach(now: now) { insert(.v4($0), $1) }
        swarms[position].v6.forEach(now: now) { insert(.v6($0), $1) }
        swarms[position].filters = Boxed(filters)
        return filters
    }

    /// Up to `count` distinct infohashes, drawn at random.
    func sampleInfoHashes(_ count: Int, using generator: inout SeededGenerator) -> [InfoHash] {
        guard swarms.count > count else { return swarms.map(\.infoHash) }
        // Floyd's sampling: one draw for each, and no two alike.
        var chosen: [Int] = []
        for last in swarms.count - count..<swarms.count {
            let drawn = Int.random(in: 0...last, using: &generator)
            chosen.append(chosen.contains(drawn) ? last : drawn)
        }
        return chosen.map { swarms[$0].infoHash }
    }
}

/// What `sample_infohashes` is answered with until the next one is drawn (BEP 51).
struct InfoHashSample: Sendable {
    let hashes: [InfoHash]
    let drawnAt: Instant
}
