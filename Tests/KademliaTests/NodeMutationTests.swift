import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// Broken packets by the hundred thousand: the node must neither trap nor grow.
@Suite struct NodeMutationTests {
    /// `MAINLINE_MUTATIONS` raises the number for a longer run.
    private static let mutationCount = max(200_000, MutationCount.fromEnvironment ?? 0)

    /// A packet that the node would take as it is.
    private struct Sample {
        var source: Endpoint
        var bytes: [UInt8]
    }

    @Test func mutatedPacketsNeitherTrapNorGrow() {
        var generator = SeededGenerator(number: 4711)
        var dice = Dice(state: 4711)
        var node = Self.node(using: &generator)
        var outbox = Outbox()
        var now = Instant.origin
        node.command(.bootstrap([.v4(127, 0, 0, 1, port: 10_000)]), now: now, into: &outbox)
        let strangers = (0..<4).map { Stranger($0, using: &generator) }
        var samples = Self.queries(of: strangers, using: &generator)
        let queryCount = samples.count
        var longestReply = 0
        for round in 0..<Self.mutationCount {
            now = now + .milliseconds(1)
            if round.isMultiple(of: 4000) {
                let lookup = LookupID(UInt64(round))
                node.command(.lookup(lookup, target: .zero, .announce(port: 1)), now: now, into: &outbox)
            }
            let sample = samples[dice.roll(samples.count)]
            let packet = Self.mutate(sample.bytes, &dice)
            let source = dice.roll(8) == 0 ? samples[0].source : sample.source
            node.received(packet.span.bytes, from: source, at: 0, now: now, into: &outbox)
            if let deadline = node.nextDeadline, deadline <= now { node.timedOut(now: now, into: &outbox) }
            for datagram in outbox.datagrams {
                longestReply = max(longestReply, datagram.range.count)
                // What answers the node is the best start for a packet that almost fits.
                guard dice.roll(4) == 0,
                    let answer = Self.answer(to: datagram, outbox, strangers, using: &generator)
                else { continue }
                if samples.count < queryCount * 3 { samples.append(answer) }
                samples[queryCount + dice.roll(samples.count - queryCount)] = answer
            }
            outbox.clear()
        }
        #expect(longestReply <= 1024)
        Self.check(node.statistics)
    }

    private static let infoHash = InfoHash(high: 1, middle: 2, low: 3)

    private static func node(using generator: inout SeededGenerator) -> Node {
        var configuration = Configuration.loopback
        configuration.budgets = Budgets(preset: .off)
        configuration.limits.infoHashCount = 20
        configuration.limits.peersPerInfoHash = 10
        configuration.limits.lookupCount = 10
        // All of it takes minutes, and most answers are broken: silent ones are to be asked again at once.
        configuration.search.rememberedFailureCount = 0
        let home = HomeSetup(local: .v4(127, 0, 0, 1, port: 6881))
        return Node(configuration: configuration, homes: [home], generator: generator.split(), now: .origin)
    }

    private static func check(_ statistics: Statistics) {
        #expect(statistics.contactsV4 <= 300 && statistics.replacements <= 8 * 160)
        #expect(statistics.infoHashes <= 20 && statistics.peersStored <= 20 * 10)
        #expect(statistics.transactionsInFlight <= 1024 && statistics.lookupsRunning <= 10)
        #expect(statistics.unverifiedContacts <= 64)
        // The run is worth something only if every path was taken.
        #expect(statistics.refused.malformed > 10_000 && statistics.answersSent > 10_000)
        #expect(statistics.refused.badToken > 100 && statistics.refused.unknownTransaction > 1000)
        #expect(statistics.answersReceived.total > 100 && statistics.errorsSent > 100)
        #expect(statistics.contactsV4 > 5 && statistics.peersStored > 0)
    }

    /// Queries of each kind, and an error, from a few strangers.
    private static func queries(of strangers: [Stranger], using generator: inout SeededGenerator) -> [Sample] {
        var samples: [Sample] = []
        let item = Item.signed(value: Array("i1e".utf8), sequence: 1, seed: generator.bytes(count: 32))
        for stranger in strangers {
            let token = generator.bytes(count: 8)
            for bytes in [
                stranger.ping(), stranger.findNode(.random(using: &generator), want: [.n4, .n6]),
                stranger.getPeers(infoHash),
                stranger.announcePeer(.random(using: &generator), port: 1, token: token),
                stranger.get(item.target), stranger.put(item, token: token), stranger.sampleInfoHashes(.zero),
                stranger.getPeers(infoHash, options: .scrape),
                Array("d1:eli203e3:bade1:t4:abcd1:y1:ee".utf8),
            ] { samples.append(Sample(source: stranger.endpoint, bytes: bytes)) }
        }
        return samples
    }

    /// What answers a query of the node, or announces with a token that it gave.
    private static func answer(
        to datagram: Outbox.Datagram, _ outbox: Outbox, _ strangers: [Stranger],
        using generator: inout SeededGenerator
    ) -> Sample? {
        let sent = Workbench.Sent(to: datagram.to, home: 0, bytes: Array(outbox.bytes[datagram.range]))
        let stranger = Stranger(id: .random(using: &generator), endpoint: sent.to)
        if sent.query != nil {
            let nodes = (0..<4).map { Stranger($0 * 7, using: &generator).contact }
            let content = ReplyContent(nodes: nodes, token: generator.next(), values: nodes.map(\.endpoint))
            return Sample(source: sent.to, bytes: stranger.reply(to: sent, content, observed: stranger.endpoint))
        }
        guard !sent.token.isEmpty, let asker = strangers.first(where: { $0.endpoint == sent.to }) else { return nil }
        let isPut = Bool.random(using: &generator)
        let item = Item.signed(value: Array("i1e".utf8), sequence: 1, seed: [UInt8](repeating: 7, count: 32))
        let bytes =
            isPut
            ? asker.put(item, token: sent.token) : asker.announcePeer(infoHash, port: 9, token: sent.token)
        return Sample(source: sent.to, bytes: bytes)
    }

    /// Up to three changes; a quarter passes untouched, so that the node's state keeps changing under the broken ones.
    private static func mutate(_ packet: [UInt8], _ dice: inout Dice) -> [UInt8] {
        var packet = packet
        for _ in 0..<dice.roll(4) where !packet.isEmpty {
            let position = dice.roll(packet.count)
            switch dice.roll(7) {
            case 0: packet[position] ^= 1 << UInt8(dice.roll(8))
            case 1: packet[position] = UInt8(dice.roll(256))
            case 2: packet.remove(at: position)
            case 3: packet.insert(UInt8(ascii: "0") + UInt8(dice.roll(10)), at: position)
            case 4: packet.removeLast(packet.count - position)
            case 5: packet.insert(contentsOf: packet[position...].prefix(20), at: position)
            default: packet[position] = [0x64, 0x6C, 0x69, 0x65, 0x3A][dice.roll(5)]
            }
        }
        return packet
    }
}

/// Quick and poor randomness: most of a run in a debug build would go into good ones.
private struct Dice {
    var state: UInt64

    mutating func roll(_ sides: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(sides))
    }
}
