package import Primitives

/// Something that no node may do, and one did.
package struct Violation: Equatable, Sendable {
    package enum Rule: String, CaseIterable, Sendable {
        /// A packet longer than the limit of its kind.
        case packetTooLong = "packet too long"
        /// A packet that is no message of the protocol.
        case unreadablePacket = "unreadable packet"
        /// An answer without a query, a second answer to one, or an answer to an answer.
        case unaskedAnswer = "unasked answer"
        /// A query to port 0, to a host that no node can have, or to the sender itself.
        case impossibleDestination = "impossible destination"
        /// A contact in the table that never answered under its id.
        case unverifiedContact = "unverified contact"
        /// More contacts of one address or network, or in one bucket, than the rules allow.
        case crowdedTable = "crowded table"
        /// More bytes to a source that has not proved its address than its queries pay for.
        case amplification
        /// An announce was confirmed whose token was not given to exactly this announcer.
        case foreignToken = "foreign token"
        /// A store, queue or table above its limit.
        case overLimit = "over limit"
        /// The node wants to be called in the past: a driver would spin.
        case staleDeadline = "stale deadline"
    }

    package let rule: Rule
    package let host: HostIndex
    package let at: Instant
    package let detail: String

    package init(_ rule: Rule, host: HostIndex, at: Instant, _ detail: String) {
        (self.rule, self.host, self.at, self.detail) = (rule, host, at, detail)
    }

    /// As it is told to people, with the seed that leads there again.
    package func line(seed: UInt64) -> String {
        let seconds = (Instant.origin.duration(to: at).inSeconds * 1000).rounded() / 1000
        return "seed \(seed), \(seconds) s, host \(host): \(rule.rawValue): \(detail)"
    }
}

/// Violations, the first few of them in full.
struct ViolationLog: Sendable {
    private static let kept = 20

    private(set) var violations: [Violation] = []
    private(set) var count = 0

    mutating func add(_ violation: Violation) {
        count += 1
        if violations.count < Self.kept { violations.append(violation) }
    }

    mutating func append(_ other: ViolationLog) {
        count += other.count
        violations += other.violations.prefix(max(0, Self.kept - violations.count))
    }
}
