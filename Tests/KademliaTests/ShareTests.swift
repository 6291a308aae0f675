import KRPC
import Primitives
import TestSupport
import Testing

@testable import Kademlia

/// What one host or network can have of a public node, measured beside honest ones.
@Suite struct ShareTests {
    private var generator = SeededGenerator(number: 81)

    enum Flood: CaseIterable {
        case oneHost, oneNetwork

        func contact(_ number: Int) -> Endpoint {
            switch self {
            case .oneHost: .v4(60, 1, 2, 3, port: UInt16(2000 + number % 60_000))
            case .oneNetwork: .v4(60, 1, 2, UInt8(number % 250), port: UInt16(2000 + number % 60_000))
            }
        }
    }

    /// 200 contacts a second for ten seconds, as PORT messages bring them, and 20 honest ones among them.
    @Test(arguments: Flood.allCases) func aFloodOfContactsKeepsNobodyWaiting(flood: Flood) {
        var scene = LimitScene(Configuration())
        let honest = (0..<20).map(scene.endpoint)
        var asked: [Endpoint: Int] = [:]
        var number = 0
        for tick in 0..<100 {
            for _ in 0..<20 {
                scene.bench.command(.contact(flood.contact(number)))
                number += 1
            }
            if tick.isMultiple(of: 5) { scene.bench.command(.contact(honest[tick / 5])) }
            scene.bench.advance(by: .milliseconds(100))
            for query in scene.sent() { asked[query.to, default: 0] += 1 }
        }
        #expect(honest.allSatisfy { asked[$0] != nil }, "\(honest.count { asked[$0] != nil }) of 20 were asked")
    }

    /// Strangers ask under forged addresses of one network, faster than they can be pinged.
    @Test mutating func aFloodOfStrangersGivesWayToOthers() {
        var scene = LimitScene(Configuration())
        var asked: Set<Endpoint> = []
        let honest = (0..<20).map { scene.stranger($0) }
        for tick in 0..<100 {
            for host in 0..<10 {
                let liar = scene.stranger(at: .v4(60, 1, 2, UInt8(tick + 10 * host) % 250, port: 7000))
                scene.receive(liar.ping(), from: liar)
            }
            if tick.isMultiple(of: 5) { scene.receive(honest[tick / 5].ping(), from: honest[tick / 5]) }
            scene.bench.advance(by: .milliseconds(100))
            for query in scene.sent() where query.query != nil { asked.insert(query.to) }
        }
        #expect(honest.allSatisfy { asked.contains($0.endpoint) })
    }

    /// Answers name one victim under many ids, on many ports, or all hosts of its network.
    @Test(arguments: Flood.allCases) mutating func aVictimIsAskedAFewTimesOnly(flood: Flood) {
        var scene = LimitScene(Configuration())
        let friend = scene.stranger(1)
        scene.bench.command(.bootstrap([friend.endpoint]))
        var toVictim = 0
        var number = 0
        for round in 0..<60 as Range<UInt64> {
            let target = ID160.random(using: &generator)
            scene.bench.command(.lookup(LookupID(round), target: target, .getPeers))
            for _ in 0..<50 {
                scene.bench.advance(by: .milliseconds(100))
                for query in scene.sent() where query.query != nil {
                    if query.to.prefix == flood.contact(0).prefix { toVictim += 1 }
                    guard query.to == friend.endpoint else { continue }
                    let victims = (0..<16).map { index in
                        Contact(id: .random(using: &generator), endpoint: flood.contact(number + index))
                    }
                    number += 16
                    scene.receive(friend.reply(to: query, ReplyContent(nodes: victims)), from: friend)
                }
            }
        }
        // In five minutes, resends included.
        #expect(toVictim <= (flood == .oneHost ? 20 : 80), "\(toVictim) queries")
    }

    /// Four networks ask for more than all answers together may have.
    @Test mutating func aFewNetworksDoNotUseUpAllAnswers() {
        var scene = LimitScene(Configuration())
        scene.befriend(30)
        var (asked, answered) = (0, 0)
        for tick in 0..<3000 {
            for network in 0..<4 as Range<UInt8> {
                let greedy = scene.stranger(at: .v4(60, 1, network, UInt8(tick % 250), port: 7000))
                scene.receive(greedy.getPeers(.zero), from: greedy)
            }
            if tick.isMultiple(of: 50) {
                let honest = scene.stranger(100 + tick)
                scene.receive(honest.getPeers(.zero), from: honest)
                asked += 1
                answered += scene.sent().count { $0.to == honest.endpoint && $0.response != nil }
            }
            scene.bench.advance(by: .milliseconds(10))
        }
        #expect(scene.statistics.budgets.answerBytes > 0, "answers are scarce")
        #expect(answered * 10 >= asked * 9, "\(answered) of \(asked)")
    }

    /// One network sends items with bad signatures, more than can be verified.
    @Test func badSignaturesOfOneNetworkDoNotUseUpAllChecks() {
        var store = ItemStore(configuration: Configuration(), key: (3, 4))
        var (asked, checked) = (0, 0)
        for tick in 0..<3000 {
            let now = Instant.origin + .milliseconds(10 * tick)
            for host in 0..<5 as Range<UInt8> {
                _ = store.takeSignatureCheck(from: .v4(60, 1, 2, host, port: 7000), now: now)
            }
            guard tick.isMultiple(of: 20) else { continue }
            asked += 1
            let honest = Endpoint.v4(70, UInt8(tick / 20 % 250), 1, 1, port: 7000)
            if store.takeSignatureCheck(from: honest, now: now) { checked += 1 }
        }
        #expect(checked == asked)
    }

    /// Values that name one host on many ports, or more peers than an honest answer has.
    @Test mutating func aLookupReportsAFewPortsOfAHostAndNotAllOfALiar() {
        var scene = LimitScene(Configuration())
        scene.answerLookup(with: ReplyContent(values: (0..<300).map { .v4(60, 1, 2, 3, port: UInt16(2000 + $0)) }))
        let ports = found(in: &scene)
        #expect(ports.count == 8)
        scene = LimitScene(Configuration())
        scene.answerLookup(with: ReplyContent(values: (0..<400).map(scene.endpoint)))
        let peers = found(in: &scene)
        #expect(peers.count == 200)
    }

    private func found(in scene: inout LimitScene) -> [Endpoint] {
        scene.bench.takeEvents().flatMap { event -> [Endpoint] in
            if case .peersFound(_, let peers, _) = event { return peers }
            return []
        }
    }

    // MARK: Scrape (BEP 33)

    private func filter(_ numbers: some Sequence<UInt32>) -> ScrapeFilter {
        var filter = ScrapeFilter()
        for number in numbers { filter.insert(.v4(EndpointV4(address: 0x2D00_0000 + number, port: 1))) }
        return filter
    }

    private func counts(_ reports: [(seeds: ScrapeFilter, peers: ScrapeFilter)]) -> ScrapeEstimate? {
        var counts = ScrapeCounts()
        for (number, report) in reports.enumerated() {
            let distance = NodeID(high: UInt64(number * 7 % 23), middle: 0, low: 1).distance(to: .zero)
            counts.add(seeds: report.seeds, peers: report.peers, distance: distance)
        }
        return counts.estimate
    }

    private let full = ScrapeFilter([UInt8](repeating: 0xFF, count: 256)) ?? ScrapeFilter()

    @Test(arguments: 2...6) func someLiarsDoNotChangeWhatIsCounted(liars: Int) throws {
        let honest = (seeds: ScrapeFilter(), peers: filter(0..<2))
        let lies = Array(repeating: (seeds: full, peers: full), count: liars)
        let reports = Array(repeating: honest, count: 20 - liars) + lies
        let estimate = try #require(counts(reports))
        #expect((1.5...2.5).contains(estimate.peers), "\(estimate)")
        #expect(estimate.seeds == 0, "\(estimate)")
        // Liars that stay below what looks odd.
        let subtle = (seeds: filter(500..<504), peers: filter(500..<508))
        let mixed = Array(repeating: honest, count: 20 - liars) + Array(repeating: subtle, count: liars)
        #expect(try #require(counts(mixed)).peers < 11)
    }

    @Test func aLargeSwarmOfWhichEachNodeKnowsAPartIsCounted() throws {
        let reports = (0..<16 as Range<UInt32>).map { (seeds: filter($0 * 50..<$0 * 50 + 400), peers: filter(0..<10)) }
        let estimate = try #require(counts(reports))
        #expect((900...1400).contains(estimate.seeds) && (8...12).contains(estimate.peers), "\(estimate)")
        #expect(counts([]) == nil)
        #expect(try #require(counts([(filter(0..<3), ScrapeFilter())])).seeds > 2)
    }

    // MARK: The routing table

    @Test mutating func sybilsNextToATargetDoNotKeepItsNeighboursFromBeingNamed() {
        var table = RoutingTable<EndpointV4>(ownID: .random(using: &generator), configuration: Configuration())
        let target = ID160.random(using: &generator)
        for number in 0..<16 as Range<UInt32> {
            let id = NodeID(high: target.high, middle: target.middle, low: number)
            let address = EndpointV4(address: 0x4600_0001 + number << 16, port: 6881)
            _ = table.answered(id: id, address: address, roundTrip: .milliseconds(50), now: .origin)
        }
        var alone: [Contact] = []
        table.appendClosest(to: target, count: 8, into: &alone)
        #expect(alone.count == 8, "while nobody else is known, they are named")
        for number in 0..<40 as Range<UInt32> {
            let address = EndpointV4(address: 0x2D00_0001 + number << 12, port: 6881)
            let id = SecureID.make(for: .v4(address), using: &generator)
            _ = table.answered(id: id, address: address, roundTrip: .milliseconds(50), now: .origin)
        }
        var named: [Contact] = []
        table.appendClosest(to: target, count: 8, into: &named)
        #expect(named.count == 8 && named.count { SecureID.isValid($0.id, for: $0.endpoint) } >= 4)
        let distances = named.map { $0.id.distance(to: target) }
        #expect(distances == distances.sorted())
    }

    @Test mutating func oneNetworkHasOneSpareOfABucket() {
        var configuration = Configuration()
        configuration.table.lowBucketSizes = []
        configuration.table.contactsPerPrefix = .max
        var table = RoutingTable<EndpointV4>(ownID: .zero, configuration: configuration)
        let answer = { (address: EndpointV4, table: inout RoutingTable<EndpointV4>, generator: inout SeededGenerator) in
            var id = NodeID.random(using: &generator)
            id[bit: 0] = true
            _ = table.answered(id: id, address: address, roundTrip: .milliseconds(50), now: .origin)
        }
        for number in 0..<8 as Range<UInt32> {
            answer(EndpointV4(address: 0x2D00_0001 + number << 12, port: 6881), &table, &generator)
        }
        for host in 1..<60 as Range<UInt32> {
            answer(EndpointV4(address: 0x4600_0000 + host, port: 6881), &table, &generator)
        }
        #expect(table.replacements.count { $0.address.address >> 8 == 0x46_0000 } <= 1)
    }
}
