import Kademlia
package import Primitives

/// Whether what a node holds keeps to its rules: table, stores, queues.
package struct StateChecker: Sendable {
    private var log = ViolationLog()

    package init() {}

    package var violations: [Violation] { log.violations }
    package var violationCount: Int { log.count }
    var violationLog: ViolationLog { log }

    /// - Parameter hasAnswered: whether a contact has ever answered this host; nil when nobody watched.
    package mutating func check(
        _ facts: NodeFacts, host: HostIndex, now: Instant, hasAnswered: ((NodeFacts.Entry) -> Bool)? = nil
    ) {
        for count in facts.counts where count.value > count.limit {
            log.add(Violation(.overLimit, host: host, at: now, "\(count.value) \(count.name) of \(count.limit)"))
        }
        checkCrowds(facts, host: host, now: now)
        guard let hasAnswered, facts.rules.admission == .verified else { return }
        for entry in facts.entries where !hasAnswered(entry) {
            log.add(Violation(.unverifiedContact, host: host, at: now, "\(entry.id) at \(Self.text(entry.endpoint))"))
        }
    }

    /// When the node wants to be called next.
    ///
    /// - Parameter wasTimer: its timer has just fired, so that nothing may be due any more; otherwise that of the
    ///   same millisecond may still be under way.
    package mutating func checkDeadline(_ deadline: Instant?, wasTimer: Bool, host: HostIndex, now: Instant) {
        guard let deadline else { return }
        guard wasTimer ? deadline <= now : deadline <= now - .milliseconds(1) else { return }
        log.add(Violation(.staleDeadline, host: host, at: now, "\((now - deadline).inSeconds) s ago"))
    }

    private mutating func checkCrowds(_ facts: NodeFacts, host: HostIndex, now: Instant) {
        var inBucket: [Int] = Array(repeating: 0, count: facts.bucketCount)
        for (index, entry) in facts.entries.enumerated() {
            let bucket = min(facts.ownID.commonPrefixLength(with: entry.id), facts.bucketCount - 1)
            inBucket[bucket] += 1
            guard facts.isPublic else { continue }
            let earlier = facts.entries[..<index].filter { $0.endpoint.sharesPrefix(with: entry.endpoint) }
            if earlier.contains(where: { $0.endpoint.sharesHost(with: entry.endpoint) }) {
                log.add(Violation(.crowdedTable, host: host, at: now, "\(Self.text(entry.endpoint)) twice"))
            }
            let relatives = earlier.count {
                min(facts.ownID.commonPrefixLength(with: $0.id), facts.bucketCount - 1) == bucket
            }
            let isLast = bucket == facts.bucketCount - 1
            if earlier.count >= facts.rules.contactsPerPrefix
                || !isLast && relatives >= facts.rules.contactsPerPrefixInBucket
            {
                log.add(
                    Violation(.crowdedTable, host: host, at: now, "the network of \(Self.text(entry.endpoint))"))
            }
        }
        for (bucket, count) in inBucket.enumerated() where count > Self.capacity(of: bucket, facts) {
            log.add(Violation(.crowdedTable, host: host, at: now, "\(count) contacts in bucket \(bucket)"))
        }
    }

    private static func capacity(of bucket: Int, _ facts: NodeFacts) -> Int {
        guard bucket < facts.rules.lowBucketSizes.count else { return facts.bucketSize }
        return max(facts.bucketSize, min(facts.rules.lowBucketSizes[bucket], 255))
    }

    static func text(_ endpoint: EndpointV4) -> String {
        let bytes = [24, 16, 8, 0].map { String(endpoint.address >> $0 & 255) }
        return bytes.joined(separator: ".") + ":\(endpoint.port)"
    }
}
