import KRPC
import Kademlia
import Primitives
import Testing

@testable import Simulator

@Suite struct VirtualNetworkTests {
    /// Notes what it gets, and sends what it is told to.
    private struct Probe: Adversary {
        var homes: [Endpoint]
        var heard: [(at: Instant, from: Endpoint, home: HomeIndex, bytes: [UInt8])] = []
        var nextDeadline: Instant?

        mutating func received(
            _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
        ) {
            heard.append((now, source, home, packet.withUnsafeBytes { Array($0) }))
        }

        /// Pings the first bootstrap endpoint, one time from each home.
        mutating func command(_ command: Command, now: Instant, into outbox: inout Outbox) {
            guard case .bootstrap(let endpoints) = command else { return }
            for home in homes.indices {
                let encoder = MessageEncoder(id: .zero)
                outbox.append(to: endpoints[0], via: home) { encoder.ping(number: UInt32(home), into: &$0) }
            }
        }
    }

    private static func network(_ faults: FaultRules = FaultRules()) -> VirtualNetwork {
        VirtualNetwork(
            latency: .uniform(.milliseconds(50)...(.milliseconds(50))), faults: faults,
            generator: SeededGenerator(number: 1))
    }

    private func addProbe(
        _ network: inout VirtualNetwork, at address: UInt32? = nil, forging: [Endpoint] = []
    ) -> HostIndex {
        network.add(at: address) { endpoint, _ in .adversary(Probe(homes: [endpoint] + forging)) }
    }

    private func heard(_ network: VirtualNetwork, _ host: HostIndex) -> Probe? {
        guard case .adversary(let adversary) = network.occupant(of: host) else { return nil }
        return adversary as? Probe
    }

    @Test func aPacketArrivesAfterItsLatencyAndIsAnswered() throws {
        var network = Self.network()
        let node = network.addNode(configuration: PopulationOptions.nodeConfiguration)
        let probe = addProbe(&network)
        network.command(.bootstrap([network.endpoint(of: node)]), to: probe)
        network.run(until: .origin + .seconds(1))
        let answer = try #require(heard(network, probe)?.heard.first)
        #expect(answer.at == .origin + .milliseconds(100))
        #expect(answer.from == network.endpoint(of: node))
    }

    @Test func theAnswerToAForgedQueryGoesToTheVictim() throws {
        var network = Self.network()
        let node = network.addNode(configuration: PopulationOptions.nodeConfiguration)
        let victim = addProbe(&network)
        let forger = addProbe(&network, forging: [network.endpoint(of: victim)])
        network.command(.bootstrap([network.endpoint(of: node)]), to: forger)
        network.run(until: .origin + .milliseconds(150))
        // The answers to the queries 0 and 1; the node also pings who has asked.
        for (host, number) in [(forger, UInt32(0)), (victim, 1)] {
            let answered = try (heard(network, host)?.heard ?? []).filter { packet in
                try Message.decode(packet.bytes.span.bytes).queryNumber(in: packet.bytes.span.bytes) == number
            }
            #expect(answered.count == 1)
        }
    }

    @Test func aHostCanBePlacedWhereTheScenarioWantsIt() {
        var network = Self.network()
        let probe = addProbe(&network, at: 0x5001_0203)
        #expect(network.endpoint(of: probe) == .v4(80, 1, 2, 3, port: 6881))
        #expect(network.host(at: .v4(80, 1, 2, 3, port: 1)) == probe)
        #expect(network.host(at: .v4(80, 1, 2, 4, port: 1)) == nil)
    }

    @Test func packetsAreLostDoubledAndHeldUp() {
        var faults = FaultRules()
        faults.lossShare = 0.25
        faults.duplicationShare = 0.5
        faults.jitter = .milliseconds(40)
        var network = Self.network(faults)
        let target = addProbe(&network)
        let sender = addProbe(&network)
        for _ in 0..<1000 { network.command(.bootstrap([network.endpoint(of: target)]), to: sender) }
        network.run(until: .origin + .seconds(1))
        let heard = heard(network, target)?.heard ?? []
        // 1,000 packets, half of them twice, a quarter of all that lost.
        #expect((1050...1200).contains(heard.count), "\(heard.count)")
        let times = heard.map { Instant.origin.duration(to: $0.at) }
        #expect(times.min().map { $0 < .milliseconds(55) } ?? false)
        #expect(times.max().map { $0 > .milliseconds(85) && $0 <= .milliseconds(91) } ?? false)
    }

    @Test func aPartitionHealsAndACutOffHostComesBack() {
        var network = Self.network()
        let target = addProbe(&network)
        let sender = addProbe(&network)
        let say = { (network: inout VirtualNetwork) in
            network.command(.bootstrap([network.endpoint(of: target)]), to: sender)
            network.run(until: network.now + .milliseconds(100))
        }
        // The salt decides who is where: one that parts the two.
        let salt = (0..<100).first { salt in
            let partition = FaultRules.Partition(share: 0.5, salt: UInt64(salt))
            return partition.isOnSmallerSide(target) != partition.isOnSmallerSide(sender)
        }
        network.faults.partition = salt.map { .init(share: 0.5, salt: UInt64($0)) }
        say(&network)
        #expect(heard(network, target)?.heard.count == 0)
        #expect(!network.reaches(network.endpoint(of: target), from: sender))
        network.faults.partition = nil
        network.setCutOff(true, target)
        say(&network)
        #expect(heard(network, target)?.heard.count == 0)
        network.setCutOff(false, target)
        say(&network)
        #expect(heard(network, target)?.heard.count == 1)
        network.remove(target)
        #expect(!network.reaches(network.endpoint(of: target), from: sender))
    }

    @Test func aPlaceIsUsedAgainByAnother() {
        var network = Self.network()
        let first = network.addNode(configuration: Configuration())
        network.remove(first)
        let second = network.addNode(configuration: Configuration())
        #expect(first != second && network.endpoint(of: first) != network.endpoint(of: second))
        #expect(network.node(first) == nil && network.node(second) != nil)
        #expect(network.nodes.count == 1)
    }

    @Test func oldClientsRefuseOrIgnoreWhatTheyDoNotKnow() throws {
        for (profile, answers) in [(ClientProfile.refusesNewVerbs, 1), (.ignoresNewVerbs, 0)] {
            var network = Self.network()
            let node = network.addNode(configuration: PopulationOptions.nodeConfiguration, profile: profile)
            let probe = network.add { endpoint, _ in .adversary(NewVerb(homes: [endpoint])) }
            network.command(.bootstrap([network.endpoint(of: node)]), to: probe)
            network.setWatched(true, node)
            network.run(until: .origin + .seconds(1))
            let taken = network.takePackets()
            let log = try #require(taken)
            let sent = log.entries.filter(\.isSent)
            #expect(sent.count == answers)
            for entry in sent {
                let message = try Message.decode(log.bytes.span.bytes.extracting(entry.range))
                guard case .error(let code, _) = message.body else {
                    Issue.record("no error: \(message)")
                    continue
                }
                #expect(code == .methodUnknown)
            }
        }
    }

    /// Sends a verb with a target that nobody knows.
    private struct NewVerb: Adversary {
        let homes: [Endpoint]

        mutating func received(
            _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
        ) {}

        mutating func command(_ command: Command, now: Instant, into outbox: inout Outbox) {
            guard case .bootstrap(let endpoints) = command else { return }
            let id = String(repeating: "a", count: 20)
            outbox.append(to: endpoints[0]) { bytes in
                bytes += Array("d1:ad2:id20:\(id)6:target20:\(id)e1:q6:sprout1:t1:x1:y1:qe".utf8)
            }
        }
    }

    @Test func aTokenIsTakenOutOfAReply() throws {
        let encoder = MessageEncoder(id: .zero)
        var query: [UInt8] = []
        encoder.getPeers(infoHash: .zero, number: 7, into: &query)
        let asked = try Message.decode(query.span.bytes)
        var reply: [UInt8] = []
        encoder.reply(
            ReplyContent(nodes: [], token: 99, values: []), to: asked.transaction, of: query.span.bytes, into: &reply)
        ClientProfile.givesNoTokens.strip(&reply)
        let message = try Message.decode(reply.span.bytes)
        guard case .response(let response) = message.body else {
            Issue.record("no response")
            return
        }
        #expect(response.token == nil && response.id == .zero)
        #expect(message.queryNumber(in: reply.span.bytes) == 7)
    }
}
