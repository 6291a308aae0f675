import Primitives
import Simulator
import Testing

/// The scenarios of `dhtnode simulate`, small.
@Suite struct ScenarioTests {
    private func faults(seed: UInt64) -> FaultsReport {
        var options = FaultsOptions(seed: seed)
        options.nodeCounts = 20...40
        options.troubleTurns = 10
        options.lookupCount = 10
        var scenario = Faults(options)
        return scenario.run()
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func aNetworkRecoversFromItsFaults(seed: UInt64) {
        let report = faults(seed: seed)
        #expect(report.violations == [] && report.packetsChecked > 1000 && report.statesChecked > 100)
        #expect(report.isAlive, "\(report)")
    }

    @Test func theSeedDecides() {
        let first = faults(seed: 5)
        #expect(faults(seed: 5) == first)
        #expect(faults(seed: 6).digest != first.digest && faults(seed: 6).mix != first.mix)
    }

    @Test func aSickNetworkIsNotCalledHealthy() {
        var report = faults(seed: 1)
        #expect(report.isHealthy)
        report.succeeded -= 1
        #expect(!report.isHealthy)
        report.succeeded += 1
        report.violationCount = 1
        #expect(!report.isHealthy)
    }

    @Test func daysAreCountedAndCompared() {
        var options = WeekOptions()
        options.population.nodeCount = 40
        options.dayLength = .seconds(1800)
        options.days = 3
        options.samplesPerDay = 6
        options.workInterval = .seconds(10)
        var scenario = Week(options)
        let report = scenario.run()
        #expect(report.days.count == 3 && report.days.allSatisfy { $0.samples.count == 6 && $0.lookups > 50 })
        #expect(report.violations == [])
        #expect(report.days.allSatisfy { $0.successShare > 0.9 }, "\(report.days.map(\.successShare))")
        #expect(report.days[2].mean(\.contacts) > 15)
        #expect(report.growth.allSatisfy { $0.factor < 3 })
    }

    @Test func growthGoesThroughItsSizes() {
        var options = GrowthOptions()
        options.sizes = [50, 100]
        options.base.warmUp = .seconds(30)
        options.base.lookupCount = 20
        options.base.askersPerPolicy = 4
        var report = GrowthReport()
        for size in options.sizes {
            var simulation = Simulation(options.options(size: size))
            report.append(
                GrowthReport.Step(nodeCount: size, report: simulation.run(), residentBytes: 1000 * size, wallSeconds: 1)
            )
        }
        #expect(report.steps.map(\.report.nodeCount) == [50, 100])
        #expect(report.steps.allSatisfy { $0.figures.lookups > 5 && $0.figures.succeeded == $0.figures.lookups })
        #expect(report.steps.allSatisfy { $0.bytesPerNode == 1000 })
        #expect(report.chart.svg.hasPrefix("<svg") && report.chart.svg.hasSuffix("</svg>\n"))
    }
}
