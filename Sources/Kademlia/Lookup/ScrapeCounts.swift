import Primitives

/// How many peers an infohash has, from the filters of several nodes (BEP 33), of which some may lie.
///
/// An honest peer announces itself to the nodes nearest to the infohash, so most of those know most peers. What at most
/// half of the nearest claim is not believed: there may be no such peers at all. Filters that are much fuller than
/// usual are left out, and bits that hardly any of the others has.
struct ScrapeCounts: Sendable {
    /// What one node said.
    private struct Report {
        let distance: Distance
        let seeds: ScrapeFilter
        let peers: ScrapeFilter
    }

    /// Twice as many as an announce is usually stored with.
    private static let nodesHeard = 16
    /// The nearest nodes decide whether there is any peer of the kind; an announce is usually stored with 8.
    private static let nodesDeciding = 8
    /// A filter counts if it has at most so many times the usual number of peers, and a few more.
    private static let excessAllowed = (factor: 3.0, more: 4.0)
    /// The share of the filters counted that must have a bit.
    private static let leastShareOfBit = 0.25
    /// Lists of 500 peers or so are full: each node has other peers then, and a bit that few have is no lie.
    private static let fullFrom = 256.0

    /// Nearest first.
    private var reports: [Report] = []

    /// Nil when no node said anything.
    var estimate: ScrapeEstimate? {
        guard !reports.isEmpty else { return nil }
        return ScrapeEstimate(
            seeds: Self.count(reports.map(\.seeds)), peers: Self.count(reports.map(\.peers)), nodes: reports.count)
    }

    mutating func add(seeds: ScrapeFilter, peers: ScrapeFilter, distance: Distance) {
        let position = reports.firstIndex { distance < $0.distance } ?? reports.count
        guard position < Self.nodesHeard else { return }
        reports.insert(Report(distance: distance, seeds: seeds, peers: peers), at: position)
        if reports.count > Self.nodesHeard { reports.removeLast() }
    }

    private static func count(_ all: [ScrapeFilter]) -> Double {
        let known = all.map { (filter: $0, size: $0.estimate) }.filter { $0.size > 0 }.sorted { $0.size < $1.size }
        let deciding = all.prefix(nodesDeciding)
        guard !known.isEmpty, deciding.count(where: { $0.estimate > 0 }) * 2 > deciding.count else { return 0 }
        let usual = known[(known.count - 1) / 2].size
        let limit = usual * excessAllowed.factor + excessAllowed.more
        let believed = known.filter { $0.size <= limit }.map(\.filter)
        let votes = usual < fullFrom ? Int((Double(believed.count) * leastShareOfBit).rounded(.up)) : 1
        return max(ScrapeFilter(bitsOf: believed, votes: votes).estimate, usual)
    }
}
