import Primitives
import Testing
import TrackerProtocol

/// A UDP tracker as BEP 15 describes it: stateless but for its peers, and strict about connection ids.
private struct FakeTracker {
    private var peers: [Endpoint] = []
    private(set) var events: [AnnounceEvent] = []
    private(set) var urlData: Set<[UInt8]> = []

    mutating func received(_ bytes: [UInt8], from source: Endpoint) -> [UInt8] {
        guard let (transaction, request) = UDPTrackerRequest.decode(bytes.span.bytes) else { return [] }
        let connection = UInt64(source.port) &* 0x9E37_79B9_7F4A_7C15
        var body = UDPTrackerReply.Body.error("Connection ID missmatch.")
        switch request {
        case .connect:
            body = .connect(connection)
        case .announce(connection, let announce, let data):
            var peer = source
            peer.port = announce.port
            events.append(announce.event)
            urlData.insert(data)
            var reply = AnnounceReply()
            reply.interval = .seconds(1800)
            reply.leechers = peers.count
            reply.peers = Array(peers.filter { $0 != peer }.prefix(announce.peersWanted ?? 50))
            body = .announce(reply)
            peers.removeAll { $0 == peer }
            if announce.event != .stopped { peers.append(peer) }
        default: break
        }
        return UDPTrackerReply(transaction: transaction, body: body).encoded()
    }
}

/// A schedule and its transactions as a client would drive them, on a wire that takes 50 ms each way.
private struct FakeClient {
    var schedule: AnnounceSchedule
    let endpoint: Endpoint
    var transactions: [(number: AnnounceNumber, transaction: UDPTrackerTransaction)] = []
    var connection: UDPConnection?
    var found: [Endpoint] = []
    var generator: SeededGenerator

    init(port: UInt16, seed: UInt64) {
        var generator = SeededGenerator(number: seed)
        let list = TrackerList(magnetTrackers: ["udp://tracker.example.org:1337/announce"], using: &generator)
        let identity = AnnounceSchedule.Identity(infoHash: torrentHash, peerID: ourID, port: port)
        var configuration = AnnounceSchedule.Configuration()
        configuration.countsInterval = nil
        schedule = AnnounceSchedule(
            list: list, identity: identity, configuration: configuration, generator: generator.split())
        endpoint = .v4(80, 0, 0, 1, port: port)
        self.generator = generator
    }

    /// Datagrams to send.
    mutating func carryOut(_ outbox: AnnounceSchedule.Outbox, now: Instant) -> [[UInt8]] {
        outbox.actions.flatMap { action -> [[UInt8]] in
            switch action {
            case .announce(let order):
                guard let question = order.question else { return [] }
                var transaction = UDPTrackerTransaction(
                    question, family: .v4, connection: connection, generator: generator.split())
                let output = transaction.start(now: now)
                transactions.append((order.number, transaction))
                return settle(transactions.count - 1, output, now: now)
            case .cancel(let number):
                transactions.removeAll { $0.number == number }
                return []
            }
        }
    }

    mutating func received(_ bytes: [UInt8], now: Instant) -> [[UInt8]] {
        let number = UDPTrackerReply.transaction(of: bytes.span.bytes)
        guard let index = transactions.firstIndex(where: { $0.transaction.transactionID == number }) else { return [] }
        return settle(index, transactions[index].transaction.received(bytes.span.bytes, now: now), now: now)
    }

    mutating func timedOut(now: Instant) -> [[UInt8]] {
        var sent: [[UInt8]] = []
        for index in transactions.indices.reversed() {
            sent += settle(index, transactions[index].transaction.timedOut(now: now), now: now)
        }
        var outbox = AnnounceSchedule.Outbox()
        schedule.timedOut(now: now, into: &outbox)
        return sent + carryOut(outbox, now: now)
    }

    var nextDeadline: Instant? {
        (transactions.map(\.transaction.nextDeadline) + [schedule.nextDeadline]).compactMap { $0 }.min()
    }

    private mutating func settle(
        _ index: Int, _ output: UDPTrackerTransaction.Output?, now: Instant
    ) -> [[UInt8]] {
        switch output {
        case nil: return []
        case .send(let bytes): return [bytes]
        case .finished(let result):
            let (number, transaction) = transactions.remove(at: index)
            connection = transaction.connection
            var outbox = AnnounceSchedule.Outbox()
            let reply = result.flatMap { answer -> Result<AnnounceReply, TrackerFailure> in
                guard case .announce(let reply) = answer else { return .failure(.timedOut) }
                found += reply.peers
                return .success(reply)
            }
            schedule.announced(number, reply, now: now, into: &outbox)
            return carryOut(outbox, now: now)
        }
    }
}

/// From the first connect to the last goodbye, over a wire that loses packets.
@Suite struct UDPJourneyTests {
    /// Lets everything happen until `end`; each packet is lost if `loses` says so of its number.
    private func run(
        _ client: inout FakeClient, at tracker: inout FakeTracker, _ first: [[UInt8]], from start: Instant,
        until end: Instant, loses: (Int) -> Bool = { _ in false }
    ) -> Int {
        var now = start
        var count = 0
        var inFlight = first.map { (arrival: start + .milliseconds(50), bytes: $0, isReply: false) }
        while true {
            let next = [inFlight.map(\.arrival).min(), client.nextDeadline].compactMap { $0 }.min()
            guard let next, next <= end else { return count }
            now = max(now, next)
            var sent: [[UInt8]] = []
            if let index = inFlight.firstIndex(where: { $0.arrival <= now }) {
                let packet = inFlight.remove(at: index)
                count += 1
                if loses(count) { continue }
                if packet.isReply {
                    sent = client.received(packet.bytes, now: now)
                } else {
                    let reply = tracker.received(packet.bytes, from: client.endpoint)
                    inFlight.append((now + .milliseconds(50), reply, true))
                }
            } else {
                sent = client.timedOut(now: now)
            }
            inFlight += sent.map { (now + .milliseconds(50), $0, false) }
        }
    }

    private func start(_ client: inout FakeClient, now: Instant) -> [[UInt8]] {
        var outbox = AnnounceSchedule.Outbox()
        client.schedule.started(now: now, into: &outbox)
        return client.carryOut(outbox, now: now)
    }

    private func stop(_ client: inout FakeClient, now: Instant) -> [[UInt8]] {
        var outbox = AnnounceSchedule.Outbox()
        client.schedule.stopped(now: now, into: &outbox)
        return client.carryOut(outbox, now: now)
    }

    @Test func twoClientsFindEachOther() {
        var tracker = FakeTracker()
        var first = FakeClient(port: 1001, seed: 1)
        var second = FakeClient(port: 1002, seed: 2)
        // Two exchanges: connect and announce.
        let packets = start(&first, now: .origin)
        #expect(run(&first, at: &tracker, packets, from: .origin, until: .seconds(1)) == 4)
        #expect(first.found == [] && first.schedule.nextDeadline == .origin + .milliseconds(1_800_200))
        let others = start(&second, now: .seconds(1))
        #expect(run(&second, at: &tracker, others, from: .seconds(1), until: .seconds(2)) == 4)
        #expect(second.found == [first.endpoint])
        #expect(tracker.urlData == [Array("/announce".utf8)])
        // The connection is young enough to say goodbye with: one exchange.
        let goodbye = stop(&second, now: .seconds(30))
        #expect(run(&second, at: &tracker, goodbye, from: .seconds(30), until: .seconds(31)) == 2)
        #expect(second.schedule.isFinished && tracker.events == [.started, .started, .stopped])
        // An hour later nobody else is left, and the connection is asked for anew, twice.
        #expect(run(&first, at: &tracker, [], from: .seconds(31), until: .seconds(3700)) == 8)
        #expect(first.found == [] && tracker.events.count == 5)
    }

    @Test func whatIsLostIsSentAgain() {
        for lost in 1...4 {
            var tracker = FakeTracker()
            var client = FakeClient(port: 1001, seed: UInt64(lost))
            let packets = start(&client, now: .origin)
            _ = run(&client, at: &tracker, packets, from: .origin, until: .seconds(4)) { $0 == lost }
            #expect(client.transactions.isEmpty && tracker.events.contains(.started))
        }
    }

    @Test func aDeadTrackerCostsFewPackets() {
        var tracker = FakeTracker()
        var client = FakeClient(port: 1001, seed: 1)
        let packets = start(&client, now: .origin)
        let count = run(&client, at: &tracker, packets, from: .origin, until: .seconds(24 * 3600)) { _ in true }
        // Six attempts in the first hour, then one in an hour, of four packets each.
        #expect((100...160).contains(count))
        let goodbye = stop(&client, now: .seconds(24 * 3600))
        #expect(goodbye.isEmpty && client.schedule.isFinished)
    }
}
