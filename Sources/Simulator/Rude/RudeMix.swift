import Primitives
import RealModule

/// Which rude peers there are in one run: how many of each kind, where, and how many others each of them calls.
package struct RudeMix: Equatable, Sendable {
    /// One for each rude peer.
    let kinds: [RudeKind]
    let plan: SwarmAddresses.Plan
    /// Connections that each keeps by calling.
    let reach: Int

    /// Each kind is there by the toss of a coin, and its weight is drawn so that some dominate.
    init(count: Int, of allowed: [RudeKind], using generator: inout SeededGenerator) {
        var weights = allowed.map { _ in
            Bool.random(using: &generator) ? Double.pow(10, Double.random(in: -1...1, using: &generator)) : 0
        }
        if let first = weights.indices.randomElement(using: &generator), !weights.contains(where: { $0 > 0 }) {
            weights[first] = 1
        }
        let total = weights.reduce(0, +)
        var kinds: [RudeKind] = []
        for _ in 0..<count {
            var rest = Double.random(in: 0..<total, using: &generator)
            var drawn = weights.lastIndex { $0 > 0 } ?? 0
            for (index, weight) in weights.enumerated() where weight > 0 {
                rest -= weight
                guard rest < 0 else { continue }
                drawn = index
                break
            }
            kinds.append(allowed[drawn])
        }
        self.kinds = kinds
        let plans: [SwarmAddresses.Plan] = [.apart, .apart, .apart, .oneNetwork, .oneAddress, .shared]
        plan = plans.randomElement(using: &generator) ?? .apart
        reach = Int.random(in: 4...24, using: &generator)
    }

    private init(kinds: [RudeKind], plan: SwarmAddresses.Plan, reach: Int) {
        (self.kinds, self.plan, self.reach) = (kinds, plan, reach)
    }

    var withoutAny: RudeMix { RudeMix(kinds: [], plan: plan, reach: reach) }

    /// Kinds with their counts, the most frequent first.
    package var counts: [(kind: RudeKind, count: Int)] {
        RudeKind.allCases.map { kind in (kind, kinds.count { $0 == kind }) }.filter { $0.1 > 0 }
            .sorted { $0.1 > $1.1 }
    }

    package var planName: String { plan.rawValue }
    package var callsEach: Int { reach }
}
