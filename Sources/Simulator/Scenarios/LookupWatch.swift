import KRPC
import Kademlia
import Primitives

/// One lookup as seen on the wire, whatever the asker itself says about it.
struct LookupWatch: Sendable {
    let trial: Int
    let policy: Policy
    let infoHash: InfoHash
    let startedAt: Instant
    /// When each query for the infohash left.
    private var queriesAt: [Instant] = []
    /// Who answered with nodes or values, and when first.
    private var answers: [(from: Endpoint, at: Instant)] = []
    /// How many queries deep each endpoint lies: 1 for whom the asker knew, one more than who first named it.
    private var depths: [Endpoint: Int] = [:]
    private(set) var firstValueAt: Instant?
    private(set) var firstValueDepth: Int?
    private(set) var report: LookupReport?
    /// Whether the nearest node found is the nearest there is; nil while the lookup is under way.
    private(set) var hasFoundClosest: Bool?

    init(trial: Int, policy: Policy, infoHash: InfoHash, startedAt: Instant) {
        (self.trial, self.policy) = (trial, policy)
        (self.infoHash, self.startedAt) = (infoHash, startedAt)
    }

    mutating func sent(_ query: Query, to endpoint: Endpoint, at now: Instant) {
        guard query.target == infoHash else { return }
        queriesAt.append(now)
        if depths[endpoint] == nil { depths[endpoint] = 1 }
    }

    mutating func received(_ response: Response, in packet: RawSpan, from source: Endpoint, at now: Instant) {
        guard !response.nodes.isEmpty || response.token != nil, let depth = depths[source],
            !answers.contains(where: { $0.from == source })
        else { return }
        answers.append((source, now))
        for index in 0..<response.nodes.count {
            let named = response.nodes[index, in: packet].endpoint
            if depths[named] == nil { depths[named] = depth + 1 }
        }
    }

    mutating func found(from source: Endpoint, at now: Instant) {
        guard firstValueAt == nil else { return }
        firstValueAt = now
        firstValueDepth = depths[source]
    }

    mutating func finished(_ report: LookupReport, hasFoundClosest: Bool) {
        self.report = report
        self.hasFoundClosest = hasFoundClosest
        // Kept for the depth of the closest ones until here; ten thousand lookups of these would be a burden.
        closestSetDepth = report.closest.compactMap { depths[$0.endpoint] }.max()
        depths = [:]
    }

    private(set) var closestSetDepth: Int?

    /// When the last of those that the lookup ended with answered.
    var closestSetAt: Instant? {
        guard let report, !report.closest.isEmpty else { return nil }
        let closest = report.closest
        return answers.lazy.filter { answer in closest.contains { $0.endpoint == answer.from } }.map(\.at).max()
    }

    func packets(until instant: Instant) -> Int {
        queriesAt.count { $0 <= instant }
    }

    var packetCount: Int { queriesAt.count }
}
