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
    private func voter(_ number: UInt8) -> Endpoint { .v4(44, 0, 0, number, port: 0) }
    private let ours = Endpoint.v4(45, 1, 1, 1, port: 6881)
    private let lie = Endpoint.v4(46, 6, 6, 6, port: 6881)

    @Test func fourVotersDecideOnce() {
        var votes = AddressVotes()
        for number in 1...3 as ClosedRange<UInt8> { #expect(votes.vote(ours, by: voter(number)) == nil) }
        #expect(votes.vote(ours, by: voter(4)) == ours)
        #expect(votes.vote(ours, by: voter(5)) == nil)
        #expect(votes.winner == ours)
    }

    @Test func oneVoterHasOneVote() {
        var votes = AddressVotes()
        for _ in 0..<100 { #expect(votes.vote(lie, by: voter(1)) == nil) }
        #expect(votes.winner == nil)
    }

    @Test func someLiarsDoNotOutvoteTheOthers() {
        var votes = AddressVotes()
        for number in 1...4 as ClosedRange<UInt8> { _ = votes.vote(ours, by: voter(number)) }
        for round in 0..<50 as Range<UInt8> {
            for number in 100..<103 as Range<UInt8> { #expect(votes.vote(lie, by: voter(number)) == nil) }
            _ = votes.vote(ours, by: voter(round))
            _ = votes.vote(ours, by: voter(round + 1))
        }
        #expect(votes.winner == ours)
    }

    @Test func anotherAddressWinsWhenAllAgreeOnIt() {
        var votes = AddressVotes()
        for number in 1...4 as ClosedRange<UInt8> { _ = votes.vote(ours, by: voter(number)) }
        let winners = (1...4 as ClosedRange<UInt8>).compactMap { votes.vote(lie, by: voter($0)) }
        #expect(winners == [lie])
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
