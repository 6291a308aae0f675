import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// The node of a public network among those who want to use it against others.
@Suite struct AbuseTests {
    private static let infoHash = ID160(high: 11, middle: 12, low: 13)
    private static let own = Endpoint.v4(44, 0, 0, 1, port: 6881)
    private var generator = SeededGenerator(number: 80)

    private func address(_ number: UInt32, port: UInt16 = 7000) -> Endpoint {
        .v4(EndpointV4(address: 0x2D00_0001 + number << 8, port: port))
    }

    /// A node with contacts and with peers of an infohash, so that its answers are as long as they get.
    private mutating func richBench(_ change: (inout Budgets) -> Void = { _ in }) -> Workbench {
        var configuration = Configuration()
        // The limit by bytes alone shall have to do: these would stop most of a flood before.
        configuration.budgets.queriesPerSecondPerSource = nil
        configuration.budgets.queriesPerSecondPerNetwork = nil
        configuration.budgets.answerBytesPerSecond = nil
        change(&configuration.budgets)
        var bench = Workbench(configuration, homes: [HomeSetup(local: Self.own)])
        for number in 0..<40 as Range<UInt32> {
            let friend = Stranger(id: .random(using: &generator), endpoint: address(number))
            bench.receive(friend.ping(), from: friend.endpoint)
            bench.advance(by: .milliseconds(200))
            for query in bench.takeSent() where query.query != nil && query.to == friend.endpoint {
                bench.receive(friend.reply(to: query), from: friend.endpoint)
            }
        }
        for number in 100..<250 as Range<UInt32> {
            let peer = Stranger(id: .random(using: &generator), endpoint: address(number))
            bench.receive(peer.getPeers(Self.infoHash), from: peer.endpoint)
            let token = bench.takeSent().last?.token ?? []
            bench.receive(peer.announcePeer(Self.infoHash, port: 5000, token: token), from: peer.endpoint)
        }
        _ = bench.takeSent()
        return bench
    }

    /// Sixty seconds of get_peers, 100 in each, under addresses of others; bytes to and from all of these.
    private mutating func flood(
        _ bench: inout Workbench, as source: (Int) -> Endpoint
    ) -> (received: Int, sent: Int, mostToOne: Int) {
        var victims: [Endpoint: Int] = [:]
        var received = 0
        for number in 0..<6000 {
            let victim = source(number)
            let packet = Stranger(id: .random(using: &generator), endpoint: victim).getPeers(Self.infoHash)
            victims[victim.host] = victims[victim.host] ?? 0
            received += packet.count
            bench.receive(packet, from: victim)
            bench.advance(by: .milliseconds(10))
            for sent in bench.takeSent() {
                // What the node asks its friends is no part of this; pings to verify the victims are.
                if let bytes = victims[sent.to.host] { victims[sent.to.host] = bytes + sent.bytes.count }
            }
        }
        return (received, victims.values.reduce(0, +), victims.values.max() ?? 0)
    }

    private enum Spread: CaseIterable { case oneHost, oneNetwork, everywhere }

    private static func source(_ spread: Spread) -> (Int) -> Endpoint {
        { number in
            let dice = UInt32(truncatingIfNeeded: number) &* 0x9E37_79B9
            let port = UInt16(1024 + number % 60_000)
            return switch spread {
            case .oneHost: .v4(60, 1, 2, 3, port: port)
            case .oneNetwork: .v4(60, 1, 2, UInt8(truncatingIfNeeded: number), port: port)
            case .everywhere: .v4(EndpointV4(address: 0x4000_0000 | dice >> 2, port: port))
            }
        }
    }

    @Test(arguments: Spread.allCases)
    private mutating func aMinuteOfSpoofedSourcesIsAmplifiedFourfoldAtMost(_ spread: Spread) {
        var bench = richBench()
        let traffic = flood(&bench, as: Self.source(spread))
        let burst = spread == .everywhere ? bench.node.configuration.budgets.answerBurstInTotal : 4096
        #expect(traffic.sent <= 4 * traffic.received + burst)
        #expect(traffic.sent > 2 * traffic.received, "askers are still served")
    }

    @Test(arguments: Spread.allCases)
    private mutating func withoutTheBudgetItIsTenfold(_ spread: Spread) {
        var bench = richBench { $0.answerBytesPerQueryByte = nil }
        let traffic = flood(&bench, as: Self.source(spread))
        #expect(traffic.sent > 9 * traffic.received)
    }

    @Test mutating func theDefaultLimitsLetAFloodPassAlmostNothing() {
        var bench = richBench { $0 = Budgets() }
        let oneHost = flood(&bench, as: Self.source(.oneHost))
        #expect(oneHost.sent < oneHost.received / 2, "ten queries a second of a hundred")
        #expect(bench.node.statistics.refused.rateLimited > 5000)
        var other = richBench {
            $0 = Budgets()
            $0.queriesPerSecondPerNetwork = 20
            $0.queryBurstPerNetwork = 100
        }
        let oneNetwork = flood(&other, as: Self.source(.oneNetwork))
        #expect(oneNetwork.sent < oneNetwork.received)
        #expect(other.node.statistics.budgets.networkRate > 4000)
    }

    @Test mutating func whoProvedItsAddressIsServedInFullDuringAFlood() {
        var bench = richBench()
        // This one announced before: it has used a token.
        let honest = Stranger(id: .random(using: &generator), endpoint: address(100))
        _ = flood(&bench, as: Self.source(.everywhere))
        var answers: [Int] = []
        for _ in 0..<20 {
            bench.receive(honest.getPeers(Self.infoHash), from: honest.endpoint)
            answers += bench.takeSent().filter { $0.to == honest.endpoint }.map(\.values.count)
        }
        #expect(answers.count == 20 && answers.allSatisfy { $0 > 70 })
        // From another port it is a stranger again.
        let twin = Stranger(id: honest.id, endpoint: address(100, port: 7001))
        for _ in 0..<20 { bench.receive(twin.getPeers(Self.infoHash), from: twin.endpoint) }
        let strangerAnswers = bench.takeSent().filter { $0.to == twin.endpoint }.map(\.values.count)
        #expect(strangerAnswers.suffix(10).allSatisfy { $0 < 50 }, "\(strangerAnswers)")
    }

    @Test mutating func anAnswerToOurQueryProvesAnAddress() {
        var bench = richBench()
        #expect(bench.node.statistics.budgets.proofs >= 190)
        let friend = Stranger(id: .random(using: &generator), endpoint: address(3))
        var answers: [Int] = []
        for _ in 0..<20 {
            bench.receive(friend.getPeers(Self.infoHash), from: friend.endpoint)
            answers += bench.takeSent().filter { $0.to == friend.endpoint }.map(\.values.count)
        }
        #expect(answers.count == 20 && answers.allSatisfy { $0 > 70 })
    }

    @Test mutating func aShortAnswerHasFewerPeersThenFewerNodesThenNothing() {
        var bench = richBench {
            $0.answerBytesPerQueryByte = 0
            $0.answerBurstPerSource = 1310
            $0.answerBurstInTotal = 1 << 20
        }
        let asker = Stranger(id: .random(using: &generator), endpoint: address(5000))
        bench.receive(asker.getPeers(Self.infoHash), from: asker.endpoint)
        bench.receive(asker.getPeers(Self.infoHash), from: asker.endpoint)
        bench.receive(asker.findNode(.zero), from: asker.endpoint)
        for _ in 0..<8 { bench.receive(asker.ping(), from: asker.endpoint) }
        let answers = bench.takeSent().filter { $0.to == asker.endpoint && $0.response != nil }
        #expect(answers.count < 5)
        #expect(answers[0].values.count > 70)
        #expect(answers[1].values.isEmpty && answers[1].nodes.isEmpty && answers[1].token.count == 8)
        #expect(bench.node.statistics.budgets.shortened >= 1 && bench.node.statistics.budgets.unproven >= 1)
    }

    @Test mutating func malformedPacketsGetNoErrorsBeyondTheBudget() {
        var bench = richBench {
            $0.answerBytesPerQueryByte = 2
            $0.answerBurstPerSource = 200
            $0.answerBurstInTotal = 1 << 20
        }
        let victim = address(6000)
        let malformed = Array("d1:ade1:q4:ping1:t2:aa1:y1:qe".utf8)
        for _ in 0..<1000 { bench.receive(malformed, from: victim) }
        let sent = bench.takeSent().filter { $0.to == victim }.reduce(0) { $0 + $1.bytes.count }
        #expect(sent > 0 && sent <= 200 + 2 * 1000 * malformed.count)
        // Real answers come first when bytes are short.
        var busy = richBench { $0.answerBytesPerSecond = 4000 }
        busy.advance(by: .seconds(2))
        _ = busy.takeSent()
        for number in 0..<200 as Range<UInt32> { busy.receive(malformed, from: address(7000 + number)) }
        let errors = busy.takeSent().filter { $0.errorCode != nil }.count
        #expect(errors > 0 && errors < 40)
        let asker = Stranger(id: .random(using: &generator), endpoint: address(8000))
        busy.receive(asker.ping(), from: asker.endpoint)
        #expect(busy.takeSent().contains { $0.to == asker.endpoint && $0.response != nil })
    }

    @Test mutating func responsesThatAnswerNothingGetNothing() {
        var bench = richBench()
        let liar = Stranger(id: .random(using: &generator), endpoint: address(9000))
        let forged = Workbench.Sent(to: liar.endpoint, home: 0, bytes: liar.ping(number: 99))
        for _ in 0..<100 {
            bench.receive(liar.reply(to: forged), from: liar.endpoint)
            bench.receive(liar.error(.generic, to: forged), from: liar.endpoint)
        }
        #expect(bench.takeSent().isEmpty)
        #expect(bench.node.statistics.refused.unknownTransaction >= 200)
    }

    @Test mutating func packetsFromOurOwnAddressAreDropped() {
        var bench = richBench()
        let refused = bench.node.statistics.refused.impossibleSource
        let mirror = Stranger(id: .random(using: &generator), endpoint: Self.own)
        bench.receive(mirror.ping(), from: Self.own)
        #expect(bench.takeSent().isEmpty)
        #expect(bench.node.statistics.refused.impossibleSource == refused + 1)
    }

    @Test mutating func peersAndContactsOnPortsOfServicesAreRefused() {
        for (port, isFine) in [(0, false), (53, false), (1023, false), (1024, true)] as [(UInt16, Bool)] {
            #expect(NetworkMode.public.accepts(.v4(60, 1, 2, 3, port: port)) == isFine)
            #expect(NetworkMode.private.accepts(.v4(60, 1, 2, 3, port: port)) == (port != 0))
        }
        for host in [Endpoint.v4(10, 0, 0, 1, port: 7000), .v4(0, 1, 2, 3, port: 7000), .v4(127, 0, 0, 1, port: 7000)] {
            #expect(!NetworkMode.public.accepts(host))
        }
        var bench = richBench()
        let peers = bench.node.statistics.peersStored
        let announcer = Stranger(id: .random(using: &generator), endpoint: address(10_000))
        bench.receive(announcer.getPeers(Self.infoHash), from: announcer.endpoint)
        let token = bench.takeSent().last?.token ?? []
        bench.receive(announcer.announcePeer(Self.infoHash, port: 53, token: token), from: announcer.endpoint)
        #expect(bench.takeSent().first { $0.to == announcer.endpoint }?.errorCode == 203)
        #expect(bench.node.statistics.peersStored == peers && bench.node.statistics.refused.badPort == 1)
    }
}
