import Primitives
import Testing
import TrackerProtocol

/// Connect, announce, retransmission (BEP 15) on a virtual clock.
@Suite struct UDPTrackerTransactionTests {
    private let request = announceRequest { $0.event = .started }
    private let urlData = Array("/announce".utf8)

    private func transaction(
        _ question: UDPTrackerTransaction.Question? = nil, family: Endpoint.Family = .v4,
        connection: UDPConnection? = nil, retransmission: UDPTrackerTransaction.Retransmission = .interactive,
        seed: UInt64 = 1
    ) -> UDPTrackerTransaction {
        UDPTrackerTransaction(
            question ?? .announce(request, urlData: urlData), family: family, connection: connection,
            retransmission: retransmission, generator: SeededGenerator(number: seed))
    }

    /// What was sent, if it was.
    private func sent(_ output: UDPTrackerTransaction.Output?) -> UDPTrackerRequest? {
        guard case .send(let bytes) = output else { return nil }
        return UDPTrackerRequest.decode(bytes.span.bytes)?.request
    }

    private func announce(_ connection: UInt64) -> UDPTrackerRequest {
        .announce(connection: connection, request, urlData: urlData)
    }

    private func answer(
        _ transaction: inout UDPTrackerTransaction, _ body: UDPTrackerReply.Body, at seconds: Int
    ) -> UDPTrackerTransaction.Output? {
        let packet = UDPTrackerReply(transaction: transaction.transactionID, body: body).encoded()
        return transaction.received(packet.span.bytes, now: .seconds(seconds))
    }

    private var reply: AnnounceReply {
        var reply = AnnounceReply()
        reply.interval = .seconds(1800)
        reply.seeders = 1
        reply.leechers = 2
        reply.peers = peers(2)
        return reply
    }

    /// Lets time pass until the transaction ends or `limit` packets have left; when what was sent.
    private func run(
        _ transaction: inout UDPTrackerTransaction, from first: UDPTrackerTransaction.Output, limit: Int = 100
    ) -> (seconds: [Int64], last: UDPTrackerTransaction.Output) {
        var seconds: [Int64] = []
        var last = first
        while seconds.count < limit, let deadline = transaction.nextDeadline {
            guard let output = transaction.timedOut(now: deadline) else { break }
            seconds.append((deadline - .origin).components.seconds)
            last = output
        }
        return (seconds, last)
    }

    @Test func anAnnounceConnectsFirst() {
        var transaction = transaction()
        #expect(sent(transaction.start(now: .origin)) == .connect)
        #expect(sent(answer(&transaction, .connect(77), at: 1)) == announce(77))
        #expect(answer(&transaction, .announce(reply), at: 2) == .finished(.success(.announce(reply))))
        #expect(transaction.nextDeadline == nil)
        #expect(transaction.connection == UDPConnection(id: 77, receivedAt: .seconds(1)))
    }

    @Test func aScrapeDoesTheSame() {
        var transaction = transaction(.scrape([torrentHash, otherHash]))
        #expect(sent(transaction.start(now: .origin)) == .connect)
        #expect(sent(answer(&transaction, .connect(77), at: 1)) == .scrape(connection: 77, [torrentHash, otherHash]))
        let counts = [SwarmCounts(seeders: 1, completed: 2, leechers: 3)]
        #expect(answer(&transaction, .announce(reply), at: 2) == nil)
        #expect(answer(&transaction, .scrape(counts), at: 2) == .finished(.success(.scrape(counts))))
    }

    @Test func peersOfIPv6AreReadAsSuch() {
        var transaction = transaction(family: .v6)
        _ = transaction.start(now: .origin)
        _ = answer(&transaction, .connect(77), at: 1)
        var reply = reply
        reply.peers = peers(3, family: .v6)
        #expect(answer(&transaction, .announce(reply), at: 2) == .finished(.success(.announce(reply))))
    }

    @Test func thePatientIntervalsAreThoseOfTheBEP() {
        var transaction = transaction(retransmission: .patient)
        let first = transaction.start(now: .origin)
        let (seconds, last) = run(&transaction, from: first)
        // 15 x (2^n - 1), the last of them when nothing came for 3840 seconds.
        #expect(seconds == [15, 45, 105, 225, 465, 945, 1905, 3825, 7665])
        #expect(last == .finished(.failure(.timedOut)) && transaction.nextDeadline == nil)
    }

    @Test func theInteractiveOnesAreShorter() {
        var transaction = transaction()
        let first = transaction.start(now: .origin)
        let (seconds, last) = run(&transaction, from: first)
        #expect(seconds == [3, 9, 21, 45] && last == .finished(.failure(.timedOut)))
    }

    @Test func retransmissionsKeepTheirNumber() {
        var transaction = transaction()
        let first = transaction.start(now: .origin)
        #expect(transaction.timedOut(now: .seconds(2)) == nil)
        #expect(transaction.timedOut(now: .seconds(3)) == first)
        #expect(sent(answer(&transaction, .connect(77), at: 4)) == announce(77))
        // The clock starts anew with the announce.
        #expect(transaction.nextDeadline == .seconds(7))
    }

    /// "Announce times out" of BEP 15: the announce at 2 s is repeated at 17 and 47 s, then the connection is too old.
    @Test func anExpiredConnectionIsAskedForAgain() {
        var transaction = transaction(retransmission: .patient)
        _ = transaction.start(now: .origin)
        #expect(sent(answer(&transaction, .connect(77), at: 2)) == announce(77))
        #expect(sent(transaction.timedOut(now: .seconds(17))) == announce(77))
        #expect(sent(transaction.timedOut(now: .seconds(47))) == announce(77))
        let number = transaction.transactionID
        #expect(sent(transaction.timedOut(now: .seconds(107))) == .connect)
        #expect(transaction.transactionID != number)
        #expect(transaction.nextDeadline == .seconds(227))
        #expect(sent(answer(&transaction, .connect(78), at: 108)) == announce(78))
    }

    @Test func aTrackerThatOnlyConnectsIsGivenUp() {
        var transaction = transaction(retransmission: .patient)
        var output: UDPTrackerTransaction.Output? = transaction.start(now: .origin)
        var rounds = 0
        while let deadline = transaction.nextDeadline, rounds < 100 {
            rounds += 1
            if sent(output) == .connect {
                let packet = UDPTrackerReply(transaction: transaction.transactionID, body: .connect(1)).encoded()
                output = transaction.received(packet.span.bytes, now: deadline)
            } else {
                output = transaction.timedOut(now: deadline)
            }
        }
        #expect(output == .finished(.failure(.timedOut)) && rounds < 20)
    }

    @Test func anEarlierConnectionIsUsedForAMinute() {
        let connection = UDPConnection(id: 5, receivedAt: .origin)
        var young = transaction(connection: connection)
        #expect(sent(young.start(now: .origin + .milliseconds(59_999))) == announce(5))
        var old = transaction(connection: connection)
        #expect(sent(old.start(now: .seconds(60))) == .connect)
    }

    @Test func anEarlierConnectionThatTheTrackerForgotIsReplacedOnce() {
        var transaction = transaction(connection: UDPConnection(id: 5, receivedAt: .origin))
        #expect(sent(transaction.start(now: .seconds(1))) == announce(5))
        #expect(sent(answer(&transaction, .error("Connection ID missmatch."), at: 2)) == .connect)
        #expect(sent(answer(&transaction, .connect(6), at: 3)) == announce(6))
        let refused = TrackerFailure.refused("no", retry: .none)
        #expect(answer(&transaction, .error("no"), at: 4) == .finished(.failure(refused)))
    }

    @Test func anErrorEndsIt() {
        var transaction = transaction()
        _ = transaction.start(now: .origin)
        let refused = TrackerFailure.refused("full", retry: .none)
        #expect(answer(&transaction, .error("full"), at: 1) == .finished(.failure(refused)))
        #expect(answer(&transaction, .connect(1), at: 2) == nil)
        #expect(transaction.timedOut(now: .seconds(100)) == nil && transaction.nextDeadline == nil)
    }

    @Test func whatIsNotTheAnswerIsIgnored() {
        var transaction = transaction()
        _ = transaction.start(now: .origin)
        let number = transaction.transactionID
        let bodies: [UDPTrackerReply.Body] = [.connect(1), .error("no"), .announce(reply)]
        for body in bodies {
            let packet = UDPTrackerReply(transaction: number &+ 1, body: body).encoded()
            #expect(transaction.received(packet.span.bytes, now: .seconds(1)) == nil)
        }
        #expect(answer(&transaction, .announce(reply), at: 1) == nil)
        #expect(answer(&transaction, .scrape([]), at: 1) == nil)
        #expect(transaction.received([UInt8]().span.bytes, now: .seconds(1)) == nil)
        #expect(transaction.transactionID == number && transaction.nextDeadline == .seconds(3))
    }

    @Test func oneSeedIsOneRun() {
        let numbers = { (seed: UInt64) in
            var transaction = transaction(seed: seed)
            let first = transaction.start(now: .origin)
            return [first, answer(&transaction, .connect(1), at: 1)]
        }
        #expect(numbers(1) == numbers(1))
        #expect(numbers(1) != numbers(2))
    }
}
