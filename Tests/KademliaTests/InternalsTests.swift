import Primitives
import Testing

@testable import Kademlia

@Suite struct RoundTripsTests {
    @Test func theStallTimeoutStartsAsConfiguredAndFollowsTheMeasured() {
        var roundTrips = RoundTrips()
        for _ in 0..<15 { roundTrips.record(.milliseconds(40)) }
        #expect(roundTrips.stallTimeout(initial: .seconds(1)) == .seconds(1))
        for _ in 0..<49 { roundTrips.record(.milliseconds(40)) }
        // All alike: 100 ms beyond the upper edge of their bin.
        let steady = roundTrips.stallTimeout(initial: .seconds(1))
        #expect(steady >= .milliseconds(140) && steady <= .milliseconds(150))
        for _ in 0..<64 { roundTrips.record(.milliseconds(800)) }
        let mixed = roundTrips.stallTimeout(initial: .seconds(1))
        #expect(mixed >= .milliseconds(800) && mixed <= .milliseconds(1000))
    }

    @Test func itNeverExceedsTwiceTheConfigured() {
        var roundTrips = RoundTrips()
        for _ in 0..<100 { roundTrips.record(.seconds(9)) }
        #expect(roundTrips.stallTimeout(initial: .seconds(1)) == .seconds(2))
    }

    @Test func theRecentPastWeighsMost() {
        var roundTrips = RoundTrips()
        for _ in 0..<5000 { roundTrips.record(.milliseconds(1500)) }
        for _ in 0..<5000 { roundTrips.record(.milliseconds(20)) }
        #expect(roundTrips.stallTimeout(initial: .seconds(1)) < .milliseconds(150))
    }

    @Test(arguments: [0, 1, 3, 17, 250, 999, 4000, 15_000, 60_000])
    func binsHoldWhatTheySay(milliseconds: Int) {
        var roundTrips = RoundTrips()
        roundTrips.record(.milliseconds(milliseconds))
        let edge = roundTrips.quantile(0.5)
        let time = min(max(Duration.milliseconds(milliseconds), .milliseconds(1)), .seconds(64))
        #expect(edge >= time && edge <= time * 1.26 + .milliseconds(1))
    }
}

@Suite struct AddressVotesTests {
    private var votes = AddressVotes(mode: .public)
    private var now = Instant.origin
    private let ours = Endpoint.v4(45, 1, 1, 1, port: 6881)
    private let lie = Endpoint.v4(46, 6, 6, 6, port: 6881)

    /// Each of a network of its own.
    private func voter(_ number: Int) -> Endpoint { .v4(44, UInt8(number / 256), UInt8(number % 256), 1, port: 0) }

    private mutating func vote(_ seen: Endpoint, _ numbers: some Sequence<Int>) -> [Endpoint] {
        numbers.compactMap { votes.vote(seen, by: voter($0), now: now) }
    }

    private mutating func expect(_ seen: Endpoint, _ numbers: some Sequence<Int>, _ winners: [Endpoint]) {
        let found = vote(seen, numbers)
        #expect(found == winners)
    }

    @Test mutating func fourVotersDecideOnce() {
        expect(ours, 1...3, [])
        expect(ours, [4], [ours])
        expect(ours, [5], [])
        #expect(votes.winner == ours)
    }

    @Test mutating func oneVoterHasOneVote() {
        expect(lie, Array(repeating: 1, count: 100), [])
    }

    @Test mutating func oneNetworkHasFewVotes() {
        _ = vote(ours, 1...4)
        for host in 0..<250 as Range<UInt8> {
            let won = votes.vote(lie, by: .v4(47, 1, 1, host, port: 0), now: now)
            #expect(won == nil)
            now = now + .seconds(1)
            if host.isMultiple(of: 50) { _ = vote(ours, [Int(host)]) }
        }
        #expect(votes.winner == ours)
    }

    /// 12 votes a minute for six hours, of 300 contacts of which these lie, all alike or each with another address.
    @Test(arguments: [0.2, 0.3, 0.4], [true, false])
    mutating func liarsHardlyMoveUs(share: Double, areOne: Bool) {
        for seed in 1...5 as ClosedRange<UInt64> {
            var generator = SeededGenerator(number: seed)
            votes = AddressVotes(mode: .public)
            now = .origin
            var winners: [Endpoint] = []
            for _ in 0..<12 * 60 * 6 {
                now = now + .seconds(5)
                let number = Int.random(in: 0..<300, using: &generator)
                let isLiar = number < Int(share * 300)
                let claim = areOne ? lie : .v4(46, 6, UInt8(number % 250), 6, port: 6881)
                winners += vote(isLiar ? claim : ours, [number])
            }
            // The first votes may be those of liars; then the truth comes out.
            #expect(winners.count <= 2 && winners.last == ours, "\(winners.count) addresses, seed \(seed)")
        }
    }

    @Test mutating func anotherAddressWinsWhenAllAgreeOnIt() {
        _ = vote(ours, 1...4)
        now = now + .seconds(601)
        expect(lie, 1...24, [lie])
        // Soon again it does not, then it does.
        now = now + .seconds(601)
        expect(ours, 1...24, [])
        now = now + .seconds(600)
        expect(ours, 1...24, [ours])
    }

    @Test mutating func inASmallNetworkFourAreEnoughIfNobodyConfirmsTheKnownOne() {
        _ = vote(ours, 1...4)
        now = now + .seconds(590)
        _ = vote(ours, [1])
        now = now + .seconds(20)
        expect(lie, 1...5, [])
        now = now + .seconds(290)
        expect(lie, [2], [lie])
    }
}

@Suite struct TransactionsTests {
    private let endpoint = Endpoint.v4(44, 0, 0, 1, port: 6881)

    private func transaction(sentAt: Instant = .origin, home: HomeIndex = 0) -> Transaction {
        Transaction(
            endpoint: endpoint, home: home, verb: .ping, expectedID: nil, purpose: .upkeep, sentAt: sentAt)
    }

    @Test func onlyNumberEndpointAndHomeTogetherMatch() throws {
        var transactions = Transactions(limit: 16, timeout: .seconds(12), generator: SeededGenerator(number: 1))
        let begun = transactions.begin(transaction(), stallTimeout: .seconds(1))
        let number = try #require(begun)
        var otherPort = endpoint
        otherPort.port += 1
        #expect(transactions.finish(number: number ^ 1 << 20, from: endpoint, at: 0) == nil)
        #expect(transactions.finish(number: number, from: otherPort, at: 0) == nil)
        #expect(transactions.finish(number: number, from: endpoint, at: 1) == nil)
        #expect(transactions.finish(number: number, from: endpoint, at: 0) == transaction())
        #expect(transactions.finish(number: number, from: endpoint, at: 0) == nil)
        #expect(transactions.count == 0 && transactions.nextDeadline == nil)
    }

    @Test func aQueryStallsThenTimesOut() {
        var transactions = Transactions(limit: 16, timeout: .seconds(12), generator: SeededGenerator(number: 1))
        _ = transactions.begin(transaction(), stallTimeout: .seconds(1))
        #expect(transactions.nextDeadline == .origin + .seconds(1))
        #expect(transactions.popDue(now: .origin + .milliseconds(999)) == nil)
        #expect(transactions.popDue(now: .origin + .seconds(1)) == .stalled(transaction()))
        #expect(transactions.popDue(now: .origin + .seconds(1)) == nil)
        #expect(transactions.nextDeadline == .origin + .seconds(12))
        #expect(transactions.popDue(now: .origin + .seconds(20)) == .timedOut(transaction()))
        #expect(transactions.count == 0 && transactions.nextDeadline == nil)
    }

    @Test func theLimitHoldsAndSlotsAreUsedAgain() {
        var transactions = Transactions(limit: 4, timeout: .seconds(12), generator: SeededGenerator(number: 1))
        var numbers: Set<UInt32> = []
        for round in 0..<100 {
            let sentAt = Instant.origin + .seconds(20 * round)
            for _ in 0..<4 {
                let number = transactions.begin(
                    transaction(sentAt: sentAt), stallTimeout: .seconds(1))
                if let number { numbers.insert(number) }
            }
            #expect(transactions.begin(transaction(), stallTimeout: .seconds(1)) == nil)
            while transactions.popDue(now: sentAt + .seconds(15)) != nil {}
            #expect(transactions.count == 0)
        }
        // 20 random bits each: hardly two of 400 alike in one slot.
        #expect(numbers.count >= 399)
    }

    @Test func answeredQueriesLeaveNoDeadlineInFront() throws {
        var transactions = Transactions(limit: 100, timeout: .seconds(12), generator: SeededGenerator(number: 1))
        var numbers: [UInt32] = []
        for index in 0..<100 {
            let sentAt = Instant.origin + .milliseconds(index)
            let number = transactions.begin(transaction(sentAt: sentAt), stallTimeout: .seconds(1))
            numbers.append(try #require(number))
        }
        for (index, number) in numbers.enumerated().dropLast() {
            #expect(transactions.finish(number: number, from: endpoint, at: 0) != nil)
            #expect(transactions.nextDeadline == .origin + .milliseconds(index + 1) + .seconds(1))
        }
    }
}
