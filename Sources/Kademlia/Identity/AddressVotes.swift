import Primitives

/// What other nodes say our address is (the `ip` of their replies, BEP 42), one vote for each of the last few hosts.
///
/// One lying node has one vote, and only answers to our own queries count.
struct AddressVotes: Sendable {
    private struct Vote {
        let voter: Endpoint
        let address: Endpoint
    }

    static let votersKept = 12
    static let votersNeeded = 4

    private var votes: [Vote] = []
    /// What most recently won, its port as the last voter saw it.
    private(set) var winner: Endpoint?

    /// Counts the vote; returns an address when it has just won and is not the one that won before.
    mutating func vote(_ seen: Endpoint, by voter: Endpoint) -> Endpoint? {
        votes.removeAll { $0.voter == voter.host }
        if votes.count >= Self.votersKept { votes.removeFirst() }
        votes.append(Vote(voter: voter.host, address: seen.host))
        let supporters = votes.reduce(0) { $0 + ($1.address == seen.host ? 1 : 0) }
        guard supporters >= Self.votersNeeded, supporters * 2 > votes.count, winner?.host != seen.host else { return nil }
        winner = seen
        return seen
    }
}
