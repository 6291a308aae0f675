import Primitives
import Simulator
import Testing

/// Max-min fair sharing, against rates worked out by hand.
@Suite struct FairShareTests {
    typealias Flow = FairShare.Flow

    /// Shares of flows given as links and demand.
    private func shares(_ capacities: [Double], _ flows: [(up: Int, down: Int, demand: Double)]) -> [Double] {
        var fair = FairShare(capacities: capacities)
        var flows = flows.map { Flow(up: $0.up, down: $0.down, demand: $0.demand) }
        fair.divide(among: &flows)
        return flows.map(\.share)
    }

    @Test func oneLinkIsSharedEqually() {
        #expect(shares([9, 100], [(0, 1, 1e9), (0, 1, 1e9), (0, 1, 1e9)]) == [3, 3, 3])
    }

    @Test func whoWantsLessLeavesTheRestToTheOthers() {
        #expect(shares([10, 100], [(0, 1, 1), (0, 1, 1e9), (0, 1, 1e9)]) == [1, 4.5, 4.5])
        #expect(shares([10, 100], [(0, 1, 2), (0, 1, 3)]) == [2, 3])
    }

    @Test func whatOneBottleneckHoldsBackAnotherFlowGets() {
        // Up 0 and 1 carry 10 each; down 2 carries 4, and two flows share it; down 3 carries 20.
        let flows = [(0, 2, 1e9), (0, 3, 1e9), (1, 2, 1e9)]
        #expect(shares([10, 10, 4, 20], flows) == [2, 8, 2])
    }

    @Test func bottlenecksAreFilledOneAfterTheOther() {
        // Four flows share up 0 (12), so 3 each; one of them meets two others at down 2 (4.5), so 1.5 there.
        // The other three of up 0 then get (12 - 1.5) / 3 = 3.5, and up 1 has 3 left for its flow to down 4.
        let flows = [(0, 2, 1e9), (0, 3, 1e9), (0, 3, 1e9), (0, 3, 1e9), (1, 2, 1e9), (1, 2, 1e9), (1, 4, 1e9)]
        #expect(shares([12, 6, 4.5, 100, 100], flows) == [1.5, 3.5, 3.5, 3.5, 1.5, 1.5, 3])
    }

    @Test func anotherRoundStartsAnew() {
        var fair = FairShare(capacities: [8, 8])
        for count in [1, 4, 2] {
            var flows = Array(repeating: Flow(up: 0, down: 1, demand: 100), count: count)
            fair.divide(among: &flows)
            #expect(flows.allSatisfy { $0.share == 8 / Double(count) })
        }
    }

    /// What makes shares max-min fair: whoever has less than it wants meets a full link where nobody has more.
    @Test(arguments: 1...20) func noShareCanGrowButAtTheCostOfASmallerOne(seed: UInt64) {
        var generator = SeededGenerator(number: seed)
        let capacities = (0..<20).map { _ in Double.random(in: 1...100, using: &generator) }
        var flows = (0..<200).map { _ in
            Flow(
                up: Int.random(in: 0..<10, using: &generator), down: Int.random(in: 10..<20, using: &generator),
                demand: Double.random(in: 0.1...20, using: &generator))
        }
        var fair = FairShare(capacities: capacities)
        fair.divide(among: &flows)
        let loads = capacities.indices.map { link in
            flows.filter { $0.up == link || $0.down == link }.reduce(0) { $0 + $1.share }
        }
        for link in capacities.indices { #expect(loads[link] <= capacities[link] * (1 + 1e-9)) }
        for flow in flows where flow.share < flow.demand {
            let isStuck = [flow.up, flow.down].contains { link in
                let largest = flows.filter { $0.up == link || $0.down == link }.map(\.share).max() ?? 0
                return loads[link] >= capacities[link] * (1 - 1e-9) && flow.share >= largest * (1 - 1e-6)
            }
            #expect(isStuck, "\(flow)")
        }
    }
}
