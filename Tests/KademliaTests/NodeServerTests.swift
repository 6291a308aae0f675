import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// What the node answers to strangers.
@Suite struct NodeServerTests {
    private let infoHash = ID160(high: 11, middle: 12, low: 13)
    private var generator = SeededGenerator(number: 77)
    private var bench = Workbench()

    private mutating func stranger(_ number: Int = 1) -> Stranger { Stranger(number, using: &generator) }

    /// Sends one packet and returns the one packet that must come back to its sender.
    private mutating func exchange(
        _ bytes: [UInt8], from stranger: Stranger, at home: HomeIndex = 0
    ) throws -> Workbench.Sent {
        bench.receive(bytes, from: stranger.endpoint, at: home)
        let sent = bench.takeSent()
        #expect(sent.count == 1)
        let reply = try #require(sent.first)
        #expect(reply.to == stranger.endpoint && reply.home == home)
        #expect(reply.bytes.count <= 1024)
        return reply
    }

    /// Lets strangers answer a ping each, so that they are contacts.
    private mutating func befriend(_ count: Int, _ family: Endpoint.Family = .v4, at home: HomeIndex = 0) {
        for number in 0..<count {
            let friend = Stranger(id: .random(using: &generator), endpoint: endpoint(number, family))
            bench.receive(friend.ping(), from: friend.endpoint, at: home)
            bench.advance(by: .milliseconds(200))
            for query in bench.takeSent() where query.query != nil && query.to == friend.endpoint {
                bench.receive(friend.reply(to: query), from: friend.endpoint, at: home)
            }
        }
        _ = bench.takeSent()
    }

    private func endpoint(_ number: Int, _ family: Endpoint.Family) -> Endpoint {
        let port = UInt16(20_000 + number)
        return family == .v4 ? .v4(127, 0, 0, 1, port: port) : .v6(EndpointV6(high: 0, low: 1, port: port))
    }

    @Test mutating func pingIsAnsweredWithOurIDAndTheAskersAddress() throws {
        let stranger = stranger()
        let reply = try exchange(stranger.ping(number: 0xDEAD_BEEF), from: stranger)
        #expect(reply.response?.id == bench.node.homes[0].id)
        #expect(reply.message?.observedEndpoint == stranger.endpoint)
        #expect(reply.message?.queryNumber(in: reply.bytes.span.bytes) == 0xDEAD_BEEF)
    }

    @Test mutating func findNodeIsAnsweredWithTheEightClosest() throws {
        befriend(40)
        let known = bench.node.homes[0].contacts
        let target = known[3].id
        let asker = stranger(99)
        let reply = try exchange(asker.findNode(target), from: asker)
        #expect(reply.nodes.count == 8)
        #expect(reply.nodes == known.sorted { $0.id.distance(to: target) < $1.id.distance(to: target) }.prefix(8) + [])
        #expect(reply.token.isEmpty && reply.values.isEmpty)
    }

    @Test mutating func getPeersIsAnsweredWithTokenNodesAndValuesTogether() throws {
        befriend(10)
        let announcer = stranger(1)
        let token = try exchange(announcer.getPeers(infoHash), from: announcer).token
        #expect(token.count == 8)
        _ = try exchange(announcer.announcePeer(infoHash, port: 5000, token: token), from: announcer)
        let asker = stranger(2)
        let reply = try exchange(asker.getPeers(infoHash), from: asker)
        #expect(reply.values == [.v4(127, 0, 0, 1, port: 5000)])
        #expect(!reply.nodes.isEmpty && reply.token.count == 8)
    }

    @Test mutating func impliedPortMeansThePortOfThePacket() throws {
        let announcer = stranger(1)
        let token = try exchange(announcer.getPeers(infoHash), from: announcer).token
        let announce = announcer.announcePeer(infoHash, port: 1, impliedPort: true, token: token)
        #expect(try exchange(announce, from: announcer).response != nil)
        #expect(try exchange(announcer.getPeers(infoHash), from: announcer).values == [announcer.endpoint])
    }

    @Test mutating func aTokenOfAnotherAddressIsRefusedWith203() throws {
        let (honest, thief) = (stranger(1), stranger(2))
        let token = try exchange(honest.getPeers(infoHash), from: honest).token
        let theft = try exchange(thief.announcePeer(infoHash, port: 5000, token: token), from: thief)
        #expect(theft.errorCode == 203)
        let other = try exchange(honest.announcePeer(.zero, port: 5000, token: token), from: honest)
        #expect(other.errorCode == 203)
        #expect(bench.node.statistics.refused.badToken == 2)
        #expect(bench.node.statistics.peersStored == 0)
    }

    @Test mutating func tokensAndPeersExpire() throws {
        let announcer = stranger(1)
        let token = try exchange(announcer.getPeers(infoHash), from: announcer).token
        bench.advance(by: .seconds(299))
        _ = bench.takeSent()
        #expect(
            try exchange(announcer.announcePeer(infoHash, port: 5000, token: token), from: announcer).errorCode == nil)
        bench.advance(by: .seconds(400))
        _ = bench.takeSent()
        #expect(
            try exchange(announcer.announcePeer(infoHash, port: 5000, token: token), from: announcer).errorCode == 203)
        bench.advance(by: .seconds(45 * 60))
        _ = bench.takeSent()
        #expect(try exchange(announcer.getPeers(infoHash), from: announcer).values == [])
        bench.advance(by: .seconds(45 * 60))
        #expect(bench.node.statistics.infoHashes == 0)
    }

    @Test mutating func aFullReplyHoldsAsManyPeersAsFit() throws {
        var configuration = Configuration.loopback
        configuration.budgets.answerBytesPerSecond = nil
        bench = Workbench(configuration)
        befriend(20)
        for number in 0..<300 {
            let announcer = stranger(number)
            let token = try exchange(announcer.getPeers(infoHash), from: announcer).token
            _ = try exchange(
                announcer.announcePeer(infoHash, port: 5000 + UInt16(number), token: token), from: announcer)
        }
        _ = bench.takeSent()
        let asker = stranger(400)
        let reply = try exchange(asker.getPeers(infoHash), from: asker)
        #expect(reply.bytes.count <= 1024 && reply.bytes.count > 1016)
        #expect(reply.values.count > 80 && Set(reply.values).count == reply.values.count)
        #expect(reply.nodes.count == 8)
    }

    @Test mutating func wantDecidesWhichNodesAreSent() throws {
        bench = Workbench(homes: [
            HomeSetup(local: .v4(127, 0, 0, 1, port: 6881)),
            HomeSetup(local: .v6(EndpointV6(high: 0, low: 1, port: 6881))),
        ])
        befriend(9, .v4, at: 0)
        befriend(9, .v6, at: 1)
        let v4 = stranger(1)
        let v6 = Stranger(id: .random(using: &generator), endpoint: endpoint(50, .v6))
        for (asker, home) in [(v4, 0), (v6, 1)] {
            let target = ID160.random(using: &generator)
            for (want, n4, n6) in [
                (nil, home == 0, home == 1), (Want.n4, true, false), (.n6, false, true), ([.n4, .n6], true, true),
            ] as [(Want?, Bool, Bool)] {
                for bytes in [asker.findNode(target, want: want), asker.getPeers(target, want: want)] {
                    let reply = try exchange(bytes, from: asker, at: home)
                    #expect((reply.nodes.count, reply.nodes6.count) == (n4 ? 8 : 0, n6 ? 8 : 0))
                }
            }
        }
    }

    @Test mutating func aFamilyWithoutAHomeIsLeftOut() throws {
        befriend(9)
        let asker = stranger(1)
        let reply = try exchange(asker.findNode(.zero, want: [.n4, .n6]), from: asker)
        #expect(reply.nodes.count == 8 && reply.response?.nodes6.isEmpty == true)
    }

    @Test mutating func unknownQueriesAreAnsweredLikeFindNodeOrWith204() throws {
        befriend(9)
        let asker = stranger(1)
        let id = String(repeating: "a", count: 20)
        let withTarget = "d1:ad2:id20:\(id)6:target20:\(id)e1:q4:vote1:t2:aa1:y1:qe"
        #expect(try exchange(Array(withTarget.utf8), from: asker).nodes.count == 8)
        let without = "d1:ad2:id20:\(id)e1:q4:vote1:t2:aa1:y1:qe"
        #expect(try exchange(Array(without.utf8), from: asker).errorCode == 204)
    }

    @Test mutating func malformedQueriesGetA203AndGarbageGetsNothing() throws {
        let asker = stranger(1)
        #expect(try exchange(Array("d1:ade1:q4:ping1:t2:aa1:y1:qe".utf8), from: asker).errorCode == 203)
        for garbage in ["", "d", "de", "x", "d1:q4:pinge", "i42e", "d1:t2:aae", "d1:t2:aa1:y1:re", "d1:t2:aa1:y1:xe"] {
            bench.receive(Array(garbage.utf8), from: asker.endpoint)
        }
        #expect(bench.takeSent().isEmpty)
        #expect(bench.node.statistics.refused.malformed == 10)
    }

    @Test mutating func aReadOnlyNodeAnswersNobodyAndSaysSo() {
        var configuration = Configuration.loopback
        configuration.isReadOnly = true
        bench = Workbench(configuration)
        let asker = stranger(1)
        bench.receive(asker.ping(), from: asker.endpoint)
        bench.receive(Array("d1:ade1:q4:ping1:t2:aa1:y1:qe".utf8), from: asker.endpoint)
        bench.advance(by: .seconds(1))
        #expect(bench.takeSent().isEmpty)
        #expect(bench.node.statistics.refused.readOnly == 2)
        bench.command(.bootstrap([asker.endpoint]))
        #expect(bench.takeSent().map(\.message?.isReadOnly) == [true])
    }

    @Test mutating func readOnlySendersAreServedButNeverPinged() throws {
        var asker = stranger(1)
        asker.id = .random(using: &generator)
        var bytes: [UInt8] = []
        MessageEncoder(id: asker.id, isReadOnly: true).ping(number: 1, into: &bytes)
        #expect(try exchange(bytes, from: asker).response != nil)
        bench.advance(by: .seconds(5))
        #expect(bench.takeSent().isEmpty)
    }

    @Test mutating func messagesWithOurOwnIDAreIgnored() {
        var mirror = stranger(1)
        mirror.id = bench.node.homes[0].id
        bench.receive(mirror.ping(), from: mirror.endpoint)
        bench.advance(by: .seconds(1))
        #expect(bench.takeSent().isEmpty)
        #expect(bench.node.statistics.refused.ownID == 1)
    }

    @Test mutating func impossibleSourcesAreIgnored() {
        let asker = stranger(1)
        bench.receive(asker.ping(), from: .v4(127, 0, 0, 1, port: 0))
        bench.receive(asker.ping(), from: endpoint(1, .v6))
        bench.receive(asker.ping(), from: asker.endpoint, at: 7)
        #expect(bench.takeSent().isEmpty)
        #expect(bench.node.statistics.refused.impossibleSource == 3)
    }

    @Test mutating func oneSourceIsAnsweredAtItsRateAndOthersAreNotHeldBack() {
        let (loud, quiet) = (stranger(1), stranger(2))
        for _ in 0..<200 { bench.receive(loud.ping(), from: loud.endpoint) }
        #expect(bench.takeSent().filter { $0.response != nil }.count == 60)
        #expect(bench.node.statistics.refused.rateLimited == 140)
        bench.receive(quiet.ping(), from: quiet.endpoint)
        #expect(bench.takeSent().filter { $0.response != nil }.count == 1)
    }

    @Test mutating func aLiftedLimitAnswersEverything() {
        var configuration = Configuration.loopback
        configuration.budgets = Budgets(preset: .off)
        bench = Workbench(configuration)
        let loud = stranger(1)
        for _ in 0..<500 { bench.receive(loud.ping(), from: loud.endpoint) }
        #expect(bench.takeSent().filter { $0.response != nil }.count == 500)
    }
}
