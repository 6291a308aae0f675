import Primitives

/// What other nodes say our address is (the `ip` of their replies, BEP 42).
///
/// Only answers to our own queries count, and each voter has one vote. Votes for the address that has won are not kept;
/// others are, until enough voters agree on another address.
struct AddressVotes: Sendable {
    private struct Vote {
        let voter: Endpoint
        let host: Endpoint
    }

    private static let votesKept = 12
    private static let votesNeeded = 4

    private var votes: [Vote] = []
    /// What most recently won, its port as the last voter saw it.
    private(set) var winner: Endpoint?

    /// Counts a vote; returns an address when it has just won and is another one than before.
    mutating func vote(_ seen: Endpoint, by voter: Endpoint) -> Endpoint? {
        if winner?.host == seen.host {
            // Each voice for what we know takes one away from what others claim.
            if !votes.isEmpty { votes.removeFirst() }
            return nil
        }
        votes.removeAll { $0.voter == voter }
        if votes.count >= Self.votesKept { votes.removeFirst() }
        votes.append(Vote(voter: voter, host: seen.host))
        let supporters = votes.reduce(0) { $0 + ($1.host == seen.host ? 1 : 0) }
        guard supporters >= Self.votesNeeded, supporters * 2 > votes.count else { return nil }
        votes = []
        winner = seen
        return seen
    }
}
