import Kademlia
import Primitives
import Testing

@testable import Simulator

@Suite struct SessionModelTests {
    /// The two figures that are known of Mainline, and nothing fitted beside them.
    @Test func sessionsAreAsMeasured() {
        let model = SessionModel.measured
        #expect(abs(model.survival(after: .seconds(200 * 60)) - 0.5) < 0.01)
        #expect(abs(model.survival(after: .seconds(150 * 3600)) - 0.03) < 0.002)
    }

    @Test func departuresComeAtTheirRate() {
        let model = SessionModel.measured
        var generator = SeededGenerator(number: 1)
        var total = 0.0
        var guests = 0
        for _ in 0..<4000 {
            total += model.nextDeparture(guests: 500, residents: 500, using: &generator)?.inSeconds ?? 0
            if model.isGuestNext(guests: 500, residents: 500, using: &generator) { guests += 1 }
        }
        let expected = 1 / (500 / (256 * 60.0) + 500 / (9000 * 60.0))
        #expect(abs(total / 4000 / expected - 1) < 0.06)
        #expect(abs(Double(guests) / 4000 - 9000.0 / 9256) < 0.01)
        #expect(model.nextDeparture(guests: 0, residents: 0, using: &generator) == nil)
    }
}

@Suite struct PopulationTests {
    @Test func whoGoesIsReplacedByAStranger() {
        var options = PopulationOptions()
        options.nodeCount = 60
        options.sessions = .measured.accelerated(by: 500)
        var population = Population(
            options, latency: .uniform(.milliseconds(20)...(.milliseconds(20))), generator: SeededGenerator(number: 5))
        for _ in 0..<60 {
            let limit = population.network.now + population.joinInterval
            while population.step(until: limit) {}
            population.join()
        }
        let settler = population.settle(.classic)
        population.startChurn()
        while population.step(until: .origin + .seconds(300)) {}
        #expect(population.departures > 50)
        #expect(population.livingCount == 61 && population.network.isAlive(settler))
        #expect(population.network.hostCount == 61 + population.departures)
        let known = population.living.compactMap { population.network.node($0)?.homes[0].contactCount }
        #expect(known.count { $0 > 0 } >= 58)
        population.stopChurn()
        let departures = population.departures
        while population.step(until: .origin + .seconds(400)) {}
        #expect(population.departures == departures)
    }

    @Test func neighboursDifferAsTheSharesSay() {
        var options = PopulationOptions()
        options.classicShare = 0.3
        options.libtorrentLikeShare = 0.5
        options.hostileShare = 0.1
        options.insecureIDShare = 0.4
        options.readOnlyShare = 0.2
        options.nat = .measured
        var population = Population(
            options, latency: .uniform(.milliseconds(20)...(.milliseconds(20))), generator: SeededGenerator(number: 5))
        for _ in 0..<400 { population.join() }
        let nodes = population.living.compactMap { population.network.node($0) }
        #expect((20...60).contains(400 - nodes.count))
        #expect((80...150).contains(nodes.count { $0.configuration.table == .classic }))
        #expect((150...210).contains(nodes.count { $0.configuration.table == .libtorrentLike }))
        #expect((110...180).contains(nodes.count { !$0.configuration.followsExternalAddress }))
        #expect((45...100).contains(nodes.count { $0.configuration.isReadOnly }))
        #expect((130...220).contains(population.living.count { population.network.nat(of: $0).kind != .open }))
        // Entry points are plain, or nobody would find in.
        #expect(population.network.nat(of: 0).kind == .open && population.network.nat(of: 2).kind == .open)
    }
}
