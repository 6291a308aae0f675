import KRPC
import Kademlia
import Primitives
import Simulator
import Testing

/// Each rule of the checkers, broken on purpose.
@Suite struct CheckerTests {
    private let own = Endpoint.v4(44, 0, 0, 1, port: 6881)
    private let other = Endpoint.v4(45, 0, 0, 1, port: 6881)
    private let now = Instant.origin + .seconds(10)
    private let encoder = MessageEncoder(id: ID160(high: 7, middle: 0, low: 0))

    private func checker(_ change: (inout Configuration) -> Void = { _ in }) -> TrafficChecker {
        var configuration = Configuration()
        change(&configuration)
        return TrafficChecker(.init(host: 0, own: own, configuration))
    }

    private func packet(_ write: (inout [UInt8]) -> Void) -> [UInt8] {
        var bytes: [UInt8] = []
        write(&bytes)
        return bytes
    }

    /// What the checker says of a packet that is sent after the given one came.
    private func rules(
        received: [UInt8]? = nil, sent: [UInt8], to target: Endpoint, _ checker: TrafficChecker
    ) -> [Violation.Rule] {
        var checker = checker
        if let received { checker.received(received.span.bytes, from: other, at: now) }
        checker.sent(sent.span.bytes, to: target, at: now)
        return checker.violations.map(\.rule)
    }

    private var query: [UInt8] { packet { encoder.findNode(target: .zero, number: 1, into: &$0) } }
    private var ping: [UInt8] { packet { encoder.ping(number: 1, into: &$0) } }

    /// The reply to `ping` or `query`, whose transaction is the same.
    private func reply(_ content: ReplyContent = ReplyContent(nodes: [])) -> [UInt8] {
        let asked = query
        guard let message = try? Message.decode(asked.span.bytes) else { return [] }
        return packet {
            encoder.reply(content, to: message.transaction, of: asked.span.bytes, observed: nil, into: &$0)
        }
    }

    @Test func anAnswerToAQueryIsInOrder() {
        #expect(rules(received: query, sent: reply(), to: other, checker()) == [])
        #expect(rules(sent: query, to: other, checker()) == [])
    }

    @Test func anAnswerThatNobodyAskedForIsFound() {
        #expect(rules(sent: reply(), to: other, checker()) == [.unaskedAnswer])
        let third = Endpoint.v4(46, 0, 0, 1, port: 6881)
        #expect(rules(received: query, sent: reply(), to: third, checker()) == [.unaskedAnswer])
        var twice = checker()
        twice.received(query.span.bytes, from: other, at: now)
        for _ in 0..<2 { twice.sent(reply().span.bytes, to: other, at: now) }
        #expect(twice.violations.map(\.rule) == [.unaskedAnswer])
    }

    @Test func queriesToImpossiblePlacesAreFound() {
        for target in [own, .v4(45, 0, 0, 1, port: 0), .v4(10, 0, 0, 1, port: 6881)] {
            #expect(rules(sent: ping, to: target, checker()) == [.impossibleDestination])
        }
        #expect(rules(sent: [0x78], to: other, checker()) == [.unreadablePacket])
    }

    @Test func tooManyBytesForAStrangerAreFound() {
        let nodes = (0..<8).map { Contact(id: ID160(high: $0, middle: 0, low: 0), endpoint: other) }
        let answer = reply(ReplyContent(nodes: nodes))
        let strict = checker {
            $0.budgets.answerBytesPerQueryByte = 1
            $0.budgets.answerBurstPerSource = 0
        }
        #expect(answer.count > query.count)
        #expect(rules(received: query, sent: answer, to: other, strict) == [.amplification])
        #expect(rules(received: query, sent: answer, to: other, checker()) == [])
    }

    @Test func aTokenThatWasNotGivenIsFound() {
        let announce = packet {
            encoder.announcePeer(
                infoHash: .zero, port: 1, impliedPort: false, token: [1, 2, 3, 4], number: 1, into: &$0)
        }
        #expect(rules(received: announce, sent: reply(), to: other, checker()) == [.foreignToken])
    }

    // MARK: What a node holds

    private func facts(_ change: (inout NodeFacts) -> Void) -> [Violation.Rule] {
        let node = Node(
            configuration: Configuration(), homes: [HomeSetup(local: own)], generator: SeededGenerator(number: 1),
            now: .origin)
        var facts = NodeFacts(node)
        change(&facts)
        var checker = StateChecker()
        checker.check(facts, host: 0, now: now, hasAnswered: { $0.endpoint.port == 6881 })
        return checker.violations.map(\.rule)
    }

    private func entry(_ third: UInt32, port: UInt16 = 6881) -> NodeFacts.Entry {
        let address = EndpointV4(address: 50 << 24 | third << 8 | 1, port: port)
        return NodeFacts.Entry(id: ID160(high: UInt64(third) << 40, middle: 0, low: 1), endpoint: address)
    }

    @Test func aFreshNodeIsInOrder() {
        #expect(facts { _ in } == [])
        #expect(facts { $0.entries = [entry(1), entry(2)] } == [])
    }

    @Test func wrongTablesAreFound() {
        #expect(facts { $0.entries = [entry(1, port: 1)] } == [.unverifiedContact])
        #expect(facts { $0.entries = [entry(1), entry(1)] }.contains(.crowdedTable))
        #expect(facts { $0.entries = (1...300).map { entry($0) } }.contains(.crowdedTable))
        #expect(facts { $0.counts = [.init("peers", 3, limit: 2)] } == [.overLimit])
    }

    @Test func aDeadlineThatIsPastIsFound() {
        var checker = StateChecker()
        checker.checkDeadline(now + .seconds(1), wasTimer: true, host: 0, now: now)
        #expect(checker.violationCount == 0)
        checker.checkDeadline(now, wasTimer: true, host: 0, now: now)
        checker.checkDeadline(now - .seconds(1), wasTimer: false, host: 0, now: now)
        #expect(checker.violations.map(\.rule) == [.staleDeadline, .staleDeadline])
    }
}
