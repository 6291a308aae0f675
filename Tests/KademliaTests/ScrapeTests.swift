import Digest
import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// BEP 33 and BEP 51 as they are served.
@Suite struct ScrapeTests {
    /// The test vector of BEP 33: 256 IPv4 and 1,000 IPv6 addresses; the digest is ours.
    @Test func theFilterIsThatOfBEP33() {
        var filter = ScrapeFilter()
        for number in 0..<256 as Range<UInt32> {
            filter.insert(.v4(EndpointV4(address: 0xC000_0200 + number, port: 1)))
        }
        for number in 0..<0x3E8 as Range<UInt64> {
            filter.insert(.v6(EndpointV6(high: 0x2001_0DB8_0000_0000, low: number, port: 2)))
        }
        #expect(Hex.encode(filter.bytes.prefix(8)) == "f6c3f5eaa07ffd91")
        #expect(SHA1.hash(filter.bytes).hex == "e4dabf3c822dcd0030ee21df8369bfef2594b52b")
        #expect(abs(filter.estimate - 1224.9308) < 0.0001)
    }

    @Test func filtersOfSeveralNodesJoin() {
        var (first, second) = (ScrapeFilter(), ScrapeFilter())
        for number in 0..<100 as Range<UInt32> {
            first.insert(.v4(EndpointV4(address: number, port: 1)))
            second.insert(.v4(EndpointV4(address: 50 + number, port: 1)))
        }
        first.formUnion(second)
        #expect((140...160).contains(first.estimate))
        #expect(ScrapeFilter().estimate == 0)
        let full = ScrapeFilter([UInt8](repeating: 0xFF, count: 256))
        #expect((full?.estimate ?? 0) > 7000 && ScrapeFilter([1]) == nil)
    }

    private var generator = SeededGenerator(number: 78)

    private func scene(_ change: (inout Configuration) -> Void = { _ in }) -> LimitScene {
        var configuration = Configuration.loopback
        configuration.budgets.answerBytesPerSecond = nil
        change(&configuration)
        return LimitScene(configuration)
    }

    @Test func seedsAndPeersAreToldApart() throws {
        var scene = scene { $0.networkMode = .public }
        for number in 0..<30 {
            let announcer = scene.stranger(number)
            scene.receive(announcer.getPeers(.zero), from: announcer)
            let token = scene.sent().last { $0.to == announcer.endpoint }?.token ?? []
            let announce = announcer.announcePeer(.zero, port: 5000, isSeed: number < 20, token: token)
            scene.receive(announce, from: announcer)
        }
        _ = scene.sent()
        let asker = scene.stranger(100)
        scene.receive(asker.getPeers(.zero, want: [.n4, .n6], options: .scrape), from: asker)
        let reply = try #require(scene.sent().first { $0.to == asker.endpoint && $0.query == nil })
        let filters = try #require(reply.response?.filters)
        let seeds = try #require(ScrapeFilter(Array(reply.bytes[filters.seeds])))
        let peers = try #require(ScrapeFilter(Array(reply.bytes[filters.peers])))
        #expect((19...21).contains(seeds.estimate) && (9...11).contains(peers.estimate))
        #expect(reply.bytes.count <= 1024)
        let seed = scene.stranger(101)
        scene.receive(seed.getPeers(.zero, options: .noSeeds), from: seed)
        #expect(scene.sent().first { $0.to == seed.endpoint && $0.query == nil }?.values.count == 10)
    }

    @Test func theSampleStaysForItsInterval() throws {
        var scene = scene { $0.limits.infoHashCount = 200 }
        scene.befriend()
        for number in 0..<100 as Range<UInt64> {
            scene.announce(InfoHash(high: number, middle: 0, low: 0), by: scene.stranger(Int(number)))
        }
        _ = scene.sent()
        let asker = scene.stranger(2000)
        let ask = { (scene: inout LimitScene) -> (hashes: [UInt8], interval: Int, total: Int) in
            scene.receive(asker.sampleInfoHashes(.zero, want: [.n4, .n6]), from: asker)
            let reply = try #require(scene.sent().first { $0.to == asker.endpoint && $0.query == nil })
            #expect(reply.bytes.count <= 1024 && !reply.nodes.isEmpty)
            let samples = try #require(reply.response?.samples)
            return (Array(reply.bytes[samples.hashes]), samples.interval, samples.total)
        }
        let first = try ask(&scene)
        #expect(first.hashes.count == 400 && first.interval == 3600 && first.total == 100)
        let distinct = Set((0..<20).compactMap { InfoHash(first.hashes.dropFirst($0 * 20).prefix(20)) })
        #expect(distinct.count == 20)
        scene.bench.advance(by: .seconds(1000))
        let second = try ask(&scene)
        #expect(second.hashes == first.hashes && second.interval == 2600)
        scene.bench.advance(by: .seconds(2600))
        #expect(try ask(&scene).hashes != first.hashes)
    }
}
