import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// Two nodes that put and get items (BEP 44), scrape (BEP 33) and sample (BEP 51).
@Suite struct ItemClientTests {
    private let seed = [UInt8](repeating: 4, count: 32)
    private let immutable = Item(value: Array("12:Hello World!".utf8))
    private let infoHash = ID160(high: 11, middle: 12, low: 13)

    private func item(_ sequence: Int64, salt: [UInt8] = []) -> Item {
        .signed(value: Array("i\(sequence)e".utf8), salt: salt, sequence: sequence, seed: seed)
    }

    private func pair() -> Pair {
        var pair = Pair()
        pair.command(.bootstrap([pair.endpoint(.b)]), to: .a)
        pair.run(for: .seconds(2))
        _ = (pair.takeEvents(.a), pair.takeEvents(.b))
        return pair
    }

    private func lookUp(
        _ target: ID160, _ purpose: LookupPurpose, by side: Pair.Side = .a, in pair: inout Pair
    ) throws -> (events: [Event], report: LookupReport) {
        pair.command(.lookup(LookupID(1), target: target, purpose), to: side)
        pair.run(for: .seconds(20))
        let events = pair.takeEvents(side)
        for case .lookupFinished(LookupID(1), let report) in events { return (events, report) }
        throw NotFinished()
    }

    private struct NotFinished: Error {}

    @Test func anImmutableItemIsPutAndFound() throws {
        var pair = pair()
        let put = try lookUp(immutable.target, .put(immutable), in: &pair).report
        #expect(put.announcedTo == 1 && put.refused == LookupReport.Refused())
        #expect(pair[.b].storedItem(of: immutable.target, now: pair.now) == immutable)
        let (events, report) = try lookUp(immutable.target, .get(ItemWish()), in: &pair)
        #expect(events.contains(.itemFound(LookupID(1), immutable, from: pair.endpoint(.b))))
        #expect(report.item == immutable)
        #expect(try lookUp(.zero, .get(ItemWish()), in: &pair).report.item == nil)
    }

    @Test func aMutableItemIsFoundUnderItsSaltOnly() throws {
        var pair = pair()
        let salted = item(3, salt: [1, 2])
        #expect(try lookUp(salted.target, .put(salted), in: &pair).report.announcedTo == 1)
        #expect(try lookUp(salted.target, .get(ItemWish(salt: [1, 2])), in: &pair).report.item == salted)
        #expect(try lookUp(salted.target, .get(ItemWish()), in: &pair).report.item == nil, "not that salt")
        let known = try lookUp(salted.target, .get(ItemWish(salt: [1, 2], newerThan: 3)), in: &pair)
        #expect(known.report.item == nil, "nothing newer")
    }

    @Test func anOlderVersionIsNotEvenSent() throws {
        var pair = pair()
        _ = try lookUp(item(5).target, .put(item(5)), in: &pair)
        let report = try lookUp(item(4).target, .put(item(4)), in: &pair).report
        #expect(report.announcedTo == 0 && report.refused.sequenceTooLow == 1 && report.item == item(5))
        #expect(pair[.b].statistics.queriesReceived.put == 1)
    }

    /// A reply with the old one would have no nodes in it, and the search would end with whoever has it.
    @Test func whatIsReplacedIsNotAskedFor() throws {
        var pair = pair()
        _ = try lookUp(item(5).target, .put(item(5)), in: &pair)
        let report = try lookUp(item(6).target, .put(item(6)), in: &pair).report
        #expect(report.announcedTo == 1 && report.item == nil)
        #expect(pair[.b].storedItem(of: item(6).target, now: pair.now) == item(6))
    }

    @Test func anUnexpectedVersionIsNotReplaced() throws {
        var pair = pair()
        _ = try lookUp(item(5).target, .put(item(5)), in: &pair)
        let refused = try lookUp(item(6).target, .put(item(6), expectedSequence: 4), in: &pair).report
        #expect(refused.announcedTo == 0 && refused.refused.unexpectedSequence == 1)
        let taken = try lookUp(item(6).target, .put(item(6), expectedSequence: 5), in: &pair).report
        #expect(taken.announcedTo == 1)
    }

    @Test func aForgedItemIsNotBelieved() throws {
        var generator = SeededGenerator(number: 1)
        var bench = Workbench()
        let liar = Stranger(1, using: &generator)
        bench.command(.bootstrap([liar.endpoint]))
        _ = bench.takeSent()
        bench.command(.lookup(LookupID(1), target: item(1).target, .get(ItemWish())))
        let query = try #require(bench.takeSent().last)
        var forged = item(9)
        forged.signed?.signature[0] ^= 1
        bench.receive(liar.reply(to: query, ReplyContent(extra: .item(forged))), from: liar.endpoint)
        bench.advance(by: .seconds(30))
        let events = bench.takeEvents()
        #expect(!events.contains { if case .itemFound = $0 { true } else { false } })
    }

    @Test func whatIsPublishedIsPutAgainEveryHour() {
        var pair = pair()
        pair.command(.publish(LookupID(7), item(1)), to: .a)
        #expect(pair[.a].statistics.publications == 1)
        pair.run(for: .seconds(3 * 3600 + 60))
        let rounds = pair.takeEvents(.a).count { if case .lookupFinished(LookupID(7), _) = $0 { true } else { false } }
        #expect(rounds == 4)
        #expect(pair[.b].storedItem(of: item(1).target, now: pair.now) == item(1))
        pair.command(.cancel(LookupID(7)), to: .a)
        pair.run(for: .seconds(3 * 3600))
        #expect(pair[.a].statistics.publications == 0)
        #expect(pair[.b].storedItem(of: item(1).target, now: pair.now) == nil, "nobody keeps it up")
    }

    @Test func somebodysNewerVersionEndsAPublication() {
        var pair = pair()
        pair.command(.publish(LookupID(7), item(1)), to: .a)
        pair.run(for: .seconds(60))
        pair.command(.lookup(LookupID(1), target: item(2).target, .put(item(2))), to: .a)
        pair.run(for: .seconds(3600))
        #expect(pair.takeEvents(.a).contains(.publicationEnded(LookupID(7), newer: item(2))))
        #expect(pair[.a].statistics.publications == 0)
    }

    @Test func aScrapeCountsSeedsAndPeers() throws {
        var pair = pair()
        _ = try lookUp(infoHash, .announce(port: 5000, isSeed: true), in: &pair)
        let report = try lookUp(infoHash, .scrape, in: &pair).report
        let scrape = try #require(report.scrape)
        #expect(scrape.nodes == 1 && scrape.peers == 0)
        #expect((0.9...1.1).contains(scrape.seeds))
        #expect(report.peers == 1)
        let unknown = try #require(try lookUp(.zero, .scrape, in: &pair).report.scrape)
        #expect(unknown.seeds == 0 && unknown.peers == 0)
    }

    @Test func aNodeIsNotSampledBeforeItsTime() throws {
        var pair = pair()
        _ = try lookUp(infoHash, .announce(port: 5000), in: &pair)
        let (events, report) = try lookUp(.zero, .sample, in: &pair)
        let other = Contact(id: pair[.b].homes[0].id, endpoint: pair.endpoint(.b))
        #expect(events.contains(.samplesFound(LookupID(1), [infoHash], from: other, total: 1)))
        #expect(report.sampledFrom == 1)
        #expect(try lookUp(.zero, .sample, in: &pair).report.sampledFrom == 0)
        #expect(pair[.a].statistics.refused.earlySamples > 0)
        pair.run(for: .seconds(3600))
        #expect(try lookUp(.zero, .sample, in: &pair).report.sampledFrom == 1)
    }
}
