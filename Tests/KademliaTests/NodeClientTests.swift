import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// What the node makes of the answers of strangers.
@Suite struct NodeClientTests {
    private let infoHash = ID160(high: 11, middle: 12, low: 13)
    private var generator = SeededGenerator(number: 78)
    private var bench = Workbench()

    private mutating func stranger(_ number: Int = 1) -> Stranger { Stranger(number, using: &generator) }

    /// Starts a lookup through one stranger and returns the query it got.
    private mutating func ask(_ stranger: Stranger, _ purpose: LookupPurpose = .getPeers) throws -> Workbench.Sent {
        bench.command(.bootstrap([stranger.endpoint]))
        _ = bench.takeSent()
        bench.command(.lookup(LookupID(1), target: infoHash, purpose))
        return try #require(bench.takeSent().first { $0.query?.target == infoHash })
    }

    private func found(_ events: [Event]) -> [Endpoint] {
        events.flatMap { event -> [Endpoint] in
            if case .peersFound(_, let peers, _) = event { return peers }
            return []
        }
    }

    @Test mutating func anAnswerFromElsewhereIsIgnored() throws {
        let (asked, other) = (stranger(1), stranger(2))
        let query = try ask(asked)
        let answer = ReplyContent(values: [.v4(127, 0, 0, 9, port: 9)])
        bench.receive(asked.reply(to: query, answer), from: other.endpoint)
        #expect(found(bench.takeEvents()) == [])
        #expect(bench.node.statistics.refused.unknownTransaction == 1)
        #expect(bench.node.homes[0].contactCount == 0)
        // The true answer still counts, once.
        bench.receive(asked.reply(to: query, answer), from: asked.endpoint)
        bench.receive(asked.reply(to: query, answer), from: asked.endpoint)
        #expect(found(bench.takeEvents()) == [.v4(127, 0, 0, 9, port: 9)])
        #expect(bench.node.statistics.refused.unknownTransaction == 2)
    }

    @Test mutating func peersAreReportedOnceAndOnlyUsableOnes() throws {
        let asked = stranger(1)
        let query = try ask(asked)
        let good = Endpoint.v4(127, 0, 0, 9, port: 9)
        let values = [good, good, .v4(127, 0, 0, 9, port: 0), .v4(224, 0, 0, 1, port: 9), .v4(0, 0, 0, 0, port: 9)]
        bench.receive(asked.reply(to: query, ReplyContent(values: values)), from: asked.endpoint)
        #expect(found(bench.takeEvents()) == [good])
        #expect(bench.node.statistics.refused.peers == 3)
    }

    @Test mutating func publicModeRefusesPrivatePeersAndContacts() throws {
        bench = Workbench(Configuration(), homes: [HomeSetup(local: .v4(44, 0, 0, 1, port: 6881))])
        let asked = Stranger(id: .random(using: &generator), endpoint: .v4(44, 0, 0, 2, port: 6881))
        let query = try ask(asked)
        let hosts: [Endpoint] = [
            .v4(127, 0, 0, 1, port: 9), .v4(10, 0, 0, 1, port: 9), .v4(192, 168, 0, 1, port: 9),
            .v4(169, 254, 0, 1, port: 9),
        ]
        let content = ReplyContent(
            nodes: hosts.map { Contact(id: .random(using: &generator), endpoint: $0) }, values: hosts)
        bench.receive(asked.reply(to: query, content), from: asked.endpoint)
        #expect(found(bench.takeEvents()) == [])
        #expect(bench.takeSent().isEmpty)
        #expect(bench.node.statistics.refused.peers == 4 && bench.node.statistics.refused.contacts == 4)
        bench.command(.contact(.v4(127, 0, 0, 1, port: 9)))
        bench.command(.bootstrap([.v4(10, 0, 0, 1, port: 9)]))
        bench.advance(by: .milliseconds(500))
        #expect(bench.takeSent().isEmpty)
        #expect(bench.node.statistics.refused.bootstrapEndpoints == 1)
    }

    @Test mutating func liesInNodeListsAreNotFollowed() throws {
        let liar = stranger(1)
        let query = try ask(liar)
        let honest = stranger(2)
        let lies = [
            Contact(id: bench.node.homes[0].id, endpoint: .v4(127, 0, 0, 1, port: 4000)),
            Contact(id: .random(using: &generator), endpoint: .v4(127, 0, 0, 1, port: 0)),
            Contact(id: .random(using: &generator), endpoint: .v4(255, 255, 255, 255, port: 1)),
            honest.contact, honest.contact,
        ]
        bench.receive(liar.reply(to: query, ReplyContent(nodes: lies)), from: liar.endpoint)
        #expect(bench.takeSent().map(\.to) == [honest.endpoint])
    }

    @Test mutating func aHugeListIsBelievedOnlyInPart() throws {
        let liar = stranger(1)
        let query = try ask(liar)
        let many = (0..<2000).map { number in
            Contact(
                id: .random(using: &generator),
                endpoint: .v4(127, UInt8(1 + number / 250), UInt8(number % 250), 1, port: 4000))
        }
        bench.receive(liar.reply(to: query, ReplyContent(nodes: many)), from: liar.endpoint)
        #expect(bench.takeSent().count <= 8)
        #expect(bench.node.statistics.refused.contacts == 2000 - 16)
        bench.advance(by: .seconds(70))
        #expect(bench.takeSent().filter { $0.query?.target == infoHash }.count <= 2 * 16)
    }

    @Test mutating func anAnswerUnderAnotherIDDoesNotCountForTheLookup() throws {
        let (seed, changeling) = (stranger(1), stranger(2))
        let query = try ask(seed)
        bench.receive(seed.reply(to: query, ReplyContent(nodes: [changeling.contact])), from: seed.endpoint)
        let second = try #require(bench.takeSent().first { $0.to == changeling.endpoint })
        var other = changeling
        other.id = infoHash
        let lie = ReplyContent(values: [.v4(127, 0, 0, 9, port: 9)])
        bench.receive(other.reply(to: second, lie), from: changeling.endpoint)
        // Its peers are used: the endpoint is the one that was asked.
        #expect(found(bench.takeEvents()) == [.v4(127, 0, 0, 9, port: 9)])
        #expect(bench.node.statistics.refused.unexpectedID == 1)
        #expect(bench.node.homes[0].contacts.map(\.id).contains(infoHash))
        #expect(!bench.node.homes[0].contacts.map(\.id).contains(changeling.id))
    }

    @Test mutating func answersWithOurOwnIDAreIgnored() throws {
        var mirror = stranger(1)
        let query = try ask(mirror)
        mirror.id = bench.node.homes[0].id
        bench.receive(mirror.reply(to: query), from: mirror.endpoint)
        // A reflector sends back our own query.
        bench.receive(query.bytes, from: mirror.endpoint)
        #expect(bench.node.homes[0].contactCount == 0)
        #expect(bench.node.statistics.refused.ownID == 2)
        #expect(bench.takeSent().isEmpty)
    }

    @Test mutating func repliesWithoutATokenAreToleratedAndNotAnnouncedTo() throws {
        let seed = stranger(1)
        let query = try ask(seed, .announce(port: 80))
        bench.receive(seed.reply(to: query, ReplyContent(values: [.v4(127, 0, 0, 9, port: 9)])), from: seed.endpoint)
        let events = bench.takeEvents()
        #expect(found(events).count == 1)
        let report = events.compactMap { if case .lookupFinished(_, let report) = $0 { report } else { nil } }
        #expect(report.map(\.announcedTo) == [0] && report.map(\.answered) == [1])
    }

    @Test mutating func aRefusedTokenIsAskedForAgainOnce() throws {
        let seed = stranger(1)
        let query = try ask(seed, .announce(port: 80))
        bench.receive(seed.reply(to: query, ReplyContent(token: 1)), from: seed.endpoint)
        for token in [1, 2] as [UInt64] {
            let sent = bench.takeSent()
            let announce = try #require(sent.last)
            guard case .announcePeer(let announcement) = announce.query?.method else {
                Issue.record("no announce: \(sent)")
                return
            }
            #expect(announce.bytes[announcement.token] == [0, 0, 0, 0, 0, 0, 0, UInt8(token)])
            bench.receive(seed.error(.protocol, to: announce), from: seed.endpoint)
            guard token == 1, let again = bench.takeSent().last else { continue }
            #expect(again.query?.method == .getPeers(infoHash: infoHash))
            bench.receive(seed.reply(to: again, ReplyContent(token: 2)), from: seed.endpoint)
        }
        let events = bench.takeEvents()
        #expect(
            events.contains { if case .lookupFinished(_, let report) = $0 { report.announcedTo == 0 } else { false } })
    }

    @Test mutating func anErrorReplyEndsTheQuery() throws {
        let seed = stranger(1)
        let query = try ask(seed)
        bench.receive(seed.error(.generic, to: query), from: seed.endpoint)
        #expect(bench.node.statistics.errorsReceived == 1)
        #expect(bench.node.homes[0].contactCount == 0)
    }

    @Test mutating func whoAsksUsIsPingedAtABoundedRateAndEntersWhenItAnswers() throws {
        let strangers = (0..<30).map { Stranger($0, using: &generator) }
        for stranger in strangers { bench.receive(stranger.ping(), from: stranger.endpoint) }
        _ = bench.takeSent()
        #expect(bench.node.homes[0].contactCount == 0)
        bench.advance(by: .milliseconds(999))
        let pings = bench.takeSent().filter { $0.query != nil }
        #expect(pings.count == 5)
        let first = try #require(pings.first)
        #expect(first.to == strangers[0].endpoint)
        bench.receive(strangers[0].reply(to: first), from: strangers[0].endpoint)
        #expect(bench.node.homes[0].contacts == [strangers[0].contact])
    }

    @Test mutating func aDeadContactIsCheckedAndDropped() throws {
        // One that answers everything, and one that falls silent.
        let (living, dying) = (stranger(1), stranger(2))
        for friend in [living, dying] {
            bench.receive(friend.ping(), from: friend.endpoint)
            bench.advance(by: .milliseconds(200))
            let ping = try #require(bench.takeSent().last { $0.query != nil && $0.to == friend.endpoint })
            bench.receive(friend.reply(to: ping), from: friend.endpoint)
        }
        #expect(bench.node.homes[0].contactCount == 2)
        for _ in 0..<180 where bench.node.homes[0].contactCount == 2 {
            bench.advance(by: .seconds(1))
            for query in bench.takeSent() where query.to == living.endpoint {
                bench.receive(living.reply(to: query), from: living.endpoint)
            }
        }
        #expect(bench.node.homes[0].contacts == [living.contact])
    }

    @Test mutating func ourIDFollowsOurExternalAddress() throws {
        bench = Workbench(Configuration(), homes: [HomeSetup(local: .v4(44, 0, 0, 1, port: 6881))])
        let oldID = bench.node.homes[0].id
        let seen = Endpoint.v4(45, 5, 5, 5, port: 7777)
        for number in 1...4 as ClosedRange<UInt8> {
            let voter = Stranger(id: .random(using: &generator), endpoint: .v4(46, 0, 0, number, port: 6881))
            bench.command(.contact(voter.endpoint))
            bench.advance(by: .milliseconds(200))
            let query = try #require(bench.takeSent().last { $0.to == voter.endpoint })
            bench.receive(voter.reply(to: query, observed: seen), from: voter.endpoint)
        }
        let home = bench.node.homes[0]
        #expect(home.external == seen)
        #expect(home.id != oldID && SecureID.isValid(home.id, for: seen))
        let events = bench.takeEvents()
        #expect(events.contains(.externalAddressKnown(home: 0, seen)))
        #expect(events.contains(.identityChanged(home: 0, home.id)))
        // The neighbourhood of the new id is looked up at once, from the contacts that there are.
        #expect(bench.takeSent().contains { $0.query?.method == .findNode(target: home.id) })
        #expect(home.contactCount >= 4)
    }

    @Test mutating func aSavedIDThatFitsTheAddressIsKept() throws {
        let seen = Endpoint.v4(45, 5, 5, 5, port: 7777)
        let id = SecureID.make(for: seen, using: &generator)
        bench = Workbench(Configuration(), homes: [HomeSetup(local: .v4(44, 0, 0, 1, port: 6881), id: id)])
        for number in 1...6 as ClosedRange<UInt8> {
            let voter = Stranger(id: .random(using: &generator), endpoint: .v4(46, 0, 0, number, port: 6881))
            bench.command(.contact(voter.endpoint))
            bench.advance(by: .milliseconds(200))
            let query = try #require(bench.takeSent().last { $0.to == voter.endpoint })
            bench.receive(voter.reply(to: query, observed: seen), from: voter.endpoint)
        }
        #expect(bench.node.homes[0].id == id && bench.node.homes[0].external == seen)
    }
}
