import Primitives

/// What other nodes say our address is (the `ip` of their replies, BEP 42).
///
/// Only answers to our own queries count, each voter has one vote, and few voters of one network have one. The first
/// address wins by four votes if no voter saw another one, else with a lead of eight over each other one. Another
/// address wins later if `changeLead` more voters saw it than confirmed the known one meanwhile, or if four did and
/// no voter has confirmed the known one for a while. It does not win before the pause after the last change is over.
/// Where two in five lie alike, that happens once in months.
///
/// While an address is known, votes for it are not kept: most nodes keep none.
struct AddressVotes: Sendable {
    private struct Vote {
        let voter: Endpoint
        let host: Endpoint
    }

    private static let votesKept = 64
    /// Voters of one /24 or /56 that have a vote: no more than a routing table has contacts of it.
    private static let votersPerPrefix = 4
    private static let unanimousVotes = 4
    /// An address that no voter has confirmed for this long is given up for one that all others agree on.
    private static let confirmationLifetime = Duration.seconds(5 * 60)
    private static let firstLead = 8
    /// The chance that a share p of liars, all with one lie, ever leads by n is (p / (1 - p))^n from each vote on: for
    /// p = 0.4 and n = 32, 2 in a million.
    private static let changeLead = 32
    /// A node that changes its id too often leaves what it stores where no lookup finds it.
    private static let firstPause = Duration.seconds(10 * 60)
    private static let longestPause = Duration.seconds(80 * 60)

    private let votersPerPrefix: Int
    private var votes: [Vote] = []
    private var confirmedAt = Instant.origin
    private var pause = AddressVotes.firstPause
    private var changesFrom = Instant.origin
    /// What most recently won, its port as the last voter saw it.
    private(set) var winner: Endpoint?

    /// In private networks, where all voters may be on one address, each endpoint has a vote.
    init(mode: NetworkMode) {
        votersPerPrefix = mode == .public ? Self.votersPerPrefix : .max
    }

    /// The socket is at another local address: earlier votes say nothing about it.
    mutating func forget() {
        votes = []
        winner = nil
        (confirmedAt, changesFrom, pause) = (.origin, .origin, Self.firstPause)
    }

    /// Counts a vote; returns an address when it has just won and is another one than before.
    mutating func vote(_ seen: Endpoint, by voter: Endpoint, now: Instant) -> Endpoint? {
        if winner?.host == seen.host {
            // Each voice for what we know takes one away from what others claim.
            if !votes.isEmpty { votes.removeFirst() }
            votes.removeAll { $0.voter == voter }
            confirmedAt = now
            return nil
        }
        votes.removeAll { $0.voter == voter }
        if votes.count(where: { $0.voter.prefix == voter.prefix }) >= votersPerPrefix {
            let oldest = votes.firstIndex { $0.voter.prefix == voter.prefix }
            if let oldest { votes.remove(at: oldest) }
        }
        if votes.count >= Self.votesKept { votes.removeFirst() }
        votes.append(Vote(voter: voter, host: seen.host))
        guard hasWon(seen.host, now: now), now >= changesFrom else { return nil }
        votes = []
        if winner != nil { pause = min(pause * 2, Self.longestPause) }
        changesFrom = now + pause
        confirmedAt = now
        winner = seen
        return seen
    }

    private func hasWon(_ host: Endpoint, now: Instant) -> Bool {
        let supporters = votes.count { $0.host == host }
        let isUnanimous = supporters == votes.count && supporters >= Self.unanimousVotes
        if winner != nil {
            let isUnconfirmed = confirmedAt.duration(to: now) >= Self.confirmationLifetime
            return supporters >= Self.changeLead || isUnanimous && isUnconfirmed
        }
        if supporters == votes.count { return isUnanimous }
        let others = votes.filter { $0.host != host }
        let rival = others.map { vote in others.count { $0.host == vote.host } }.max() ?? 0
        return supporters >= rival + Self.firstLead
    }
}
