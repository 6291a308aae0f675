import Kademlia
import Primitives
import Testing

@testable import Simulator

@Suite struct SimulationTests {
    /// Nodes join by real bootstraps; one announces and another finds it, a hundred times over.
    ///
    /// Few, since this is built without optimisation; `dhtnode simulate` does it with ten thousand.
    @Test func threeHundredNodesFindWhatOneAnnounced() {
        var options = SimulationOptions()
        options.population.nodeCount = 300
        options.lookupCount = 100
        options.warmUp = .seconds(5)
        options.lookupInterval = .milliseconds(20)
        options.askersPerPolicy = 30
        let report = Simulation.run(options)
        #expect(report.nodeCount == 300)
        #expect(report.nodesBootstrapped >= 299)
        #expect(report.announces == 100 && report.announcesStored == 100)
        #expect(report.contactsPerNode.quantile(0.1) >= 25)
        let ours = report.figures[0]
        #expect(ours.lookups == 100 && ours.succeeded == 100, "\(ours.succeeded) of \(ours.lookups)")
        #expect(ours.closestFoundShare >= 0.95)
        // Round trips are 30 to 170 ms: a handful of hops, streamed at once.
        #expect(ours.firstValueSeconds.median <= 0.3 && ours.firstValueSeconds.largest <= 1)
        #expect(ours.finishSeconds.p99 <= 1)
        #expect(ours.packets.p99 <= 50)
        #expect(ours.handedOut.uselessShare == 0)
    }

    @Test func oneSeedTwiceIsOneRun() {
        var options = Self.small
        let first = Simulation.run(options)
        #expect(first.figures.allSatisfy { $0.lookups == 12 })
        #expect(Simulation.run(options) == first)
        options.seed = 2
        #expect(Simulation.run(options).digest != first.digest)
    }

    /// A tenth of all packets lost, and a third of the nodes fallen silent at once a moment ago.
    @Test func lossAndDeathAreSurvived() {
        var options = SimulationOptions()
        options.population.nodeCount = 200
        options.lookupCount = 30
        options.faults.lossShare = 0.1
        options.deadShare = 1.0 / 3
        options.warmUp = .seconds(20)
        let report = Simulation.run(options)
        let ours = report.figures[0]
        #expect(report.announcesStored == 30)
        #expect(ours.succeeded >= ours.lookups - 1, "\(ours.succeeded) of \(ours.lookups)")
        #expect(ours.firstValueSeconds.median <= 1.5)
        #expect(ours.handedOut.gone > 0 && ours.handedOut.unreachable == 0)
    }

    /// Every kind of neighbour, fault and policy at once.
    @Test func policiesAskSideBySide() {
        let report = Simulation.run(Self.small)
        #expect(report.figures.map(\.policy) == [.classic, .libtorrentLike, .ours])
        #expect(report.policies.hostile > 0 && report.policies.classic > 0)
        #expect(report.handedOut.unreachable > 0)
        #expect(report.traffic.datagramsFiltered > 0 && report.traffic.datagramsDoubled > 0)
        for figures in report.figures {
            #expect(figures.successShare >= 0.8, "\(figures.policy): \(figures.successShare)")
            #expect(figures.packetsUntilFirstValue.median <= figures.packetsUntilClosestSet.median)
            #expect(figures.firstValueSeconds.median <= figures.closestSetSeconds.median)
        }
        #expect(report.figures[2].closestSetSeconds.median < report.figures[0].closestSetSeconds.median)
    }

    /// `mainline`, but small and soon over.
    private static var small: SimulationOptions {
        var options = SimulationOptions.mainline
        options.population.nodeCount = 120
        options.population.hostileShare = 0.05
        options.askersPerPolicy = 12
        options.warmUp = .seconds(20)
        options.lookupCount = 12
        options.faults.duplicationShare = 0.02
        options.faults.jitter = .milliseconds(20)
        return options
    }
}
