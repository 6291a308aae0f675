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
    private(set) var firstValueAt: Instant?
    private(set) var report: LookupReport?
    private(set) var hasFoundClosest = false

    init(trial: Int, policy: Policy, infoHash: InfoHash, startedAt: Instant) {
        (self.trial, self.policy) = (trial, policy)
        (self.infoHash, self.startedAt) = (infoHash, startedAt)
    }

    mutating func sent(_ query: Query, at now: Instant) {
        if query.target == infoHash { queriesAt.append(now) }
    }

    mutating func received(_ response: Response, from source: Endpoint, at now: Instant) {
        guard !response.nodes.isEmpty || response.token != nil, !answers.contains(where: { $0.from == source }) else {
            return
        }
        answers.append((source, now))
    }

    mutating func found(at now: Instant) {
        if firstValueAt == nil { firstValueAt = now }
    }

    mutating func finished(_ report: LookupReport, hasFoundClosest: Bool) {
        self.report = report
        self.hasFoundClosest = hasFoundClosest
    }

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
