import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// Lookups of a node that may ask little: they take longer and find the same.
@Suite struct LookupBudgetTests {
    private var generator = SeededGenerator(number: 81)
    private let target = ID160(high: 11, middle: 12, low: 13)

    /// Twenty nodes that know each other and answer at once.
    private mutating func crowd() -> [Endpoint: Stranger] {
        var crowd: [Endpoint: Stranger] = [:]
        for number in 0..<20 {
            let stranger = Stranger(number, using: &generator)
            crowd[stranger.endpoint] = stranger
        }
        return crowd
    }

    /// Lets time pass in steps of 10 ms, with every query answered; returns when each was sent.
    private func run(
        _ bench: inout Workbench, _ crowd: [Endpoint: Stranger], for duration: Duration
    ) -> [(at: Instant, to: Endpoint)] {
        var sent: [(at: Instant, to: Endpoint)] = []
        let end = bench.now + duration
        let known = crowd.values.sorted { $0.id.distance(to: target) < $1.id.distance(to: target) }
        while bench.now < end {
            for query in bench.takeSent() where query.query != nil {
                sent.append((bench.now, query.to))
                guard let stranger = crowd[query.to] else { continue }
                var content = ReplyContent(nodes: known.prefix(8).map(\.contact))
                content.token = 7
                bench.receive(stranger.reply(to: query, content), from: stranger.endpoint)
            }
            bench.advance(by: .milliseconds(10))
        }
        return sent
    }

    private func bench(_ change: (inout Budgets) -> Void) -> Workbench {
        var configuration = Configuration.loopback
        change(&configuration.budgets)
        return Workbench(configuration)
    }

    @Test mutating func aLookupWaitsForRoomAndEndsLikeAnyOther() {
        let crowd = crowd()
        var bench = bench { $0.newEndpointsPerSecond = 4 }
        bench.command(.bootstrap(crowd.keys.sorted().prefix(3) + []))
        bench.command(.lookup(LookupID(1), target: target, .announce(port: 5000)))
        let sent = run(&bench, crowd, for: .seconds(20))
        var reports: [LookupReport] = []
        for case .lookupFinished(_, let report) in bench.takeEvents() { reports.append(report) }
        #expect(reports.count == 1)
        #expect(reports.first?.announcedTo == 8 && reports.first?.closest.count == 8)
        #expect(bench.node.statistics.budgets.paused.newEndpoints > 0)
        // The burst is a second's worth, so there are never more than two seconds' worth in one.
        var met: Set<Endpoint> = []
        let first = sent.filter { met.insert($0.to).inserted }.map(\.at)
        for moment in first {
            #expect(first.count { $0 >= moment && $0 < moment + .seconds(1) } <= 8)
        }
    }

    @Test mutating func anAnnounceWaitsForRoomAsWell() {
        let crowd = crowd()
        var bench = bench { $0.queriesPerSecond = 3 }
        bench.command(.bootstrap(crowd.keys.sorted().prefix(3) + []))
        bench.command(.lookup(LookupID(1), target: target, .announce(port: 5000)))
        let sent = run(&bench, crowd, for: .seconds(40))
        var announced: [Int] = []
        for case .lookupFinished(_, let report) in bench.takeEvents() { announced.append(report.announcedTo) }
        #expect(announced == [8])
        #expect(sent.count <= 3 + 40 * 3)
        #expect(bench.node.statistics.queriesSent.announcePeer == 8, "none is sent twice")
    }

    @Test mutating func upkeepAndVerificationGiveWayToLookups() {
        let crowd = crowd()
        var bench = bench { $0.queriesPerSecond = 8 }
        bench.command(.bootstrap(crowd.keys.sorted().prefix(3) + []))
        _ = run(&bench, crowd, for: .seconds(10))
        // Many want to be verified while lookups use up all there is.
        for number in 0..<20 as Range<UInt64> {
            bench.command(.lookup(LookupID(number), target: .random(using: &generator), .findNode))
        }
        let strangers = (100..<140).map { Stranger($0, using: &generator) }
        for stranger in strangers { bench.receive(stranger.ping(), from: stranger.endpoint) }
        let sent = run(&bench, crowd, for: .seconds(10)).filter { crowd[$0.to] == nil }
        #expect(sent.isEmpty, "no stranger is pinged while somebody waits")
        #expect(bench.node.statistics.budgets.paused.verifications > 0)
        #expect(bench.node.statistics.budgets.paused.upkeep > 0)
        let later = run(&bench, crowd, for: .seconds(60)).filter { crowd[$0.to] == nil }
        #expect(later.count >= 30, "afterwards they are")
    }

    @Test mutating func aHundredWaitingLookupsDoNotSpin() {
        let crowd = crowd()
        var bench = bench { $0.queriesPerSecond = 2 }
        bench.command(.bootstrap(crowd.keys.sorted().prefix(3) + []))
        for number in 0..<100 as Range<UInt64> {
            bench.command(.lookup(LookupID(number), target: .random(using: &generator), .findNode))
        }
        let paused = bench.node.statistics.budgets.paused.total
        bench.advance(by: .seconds(1))
        // Each tries twenty times a second at most.
        #expect(bench.node.statistics.budgets.paused.total - paused <= 101 * 20 + 20)
    }
}
