import Kademlia
import Primitives

/// One attack in one piece.
package struct AttackScenario: Scenario {
    private let attack: Attack
    private let isDefended: Bool
    private let seed: UInt64
    private var report: AttackReport?

    package init(_ attack: Attack, isDefended: Bool, seed: UInt64) {
        (self.attack, self.isDefended, self.seed) = (attack, isDefended, seed)
    }

    package mutating func advance(events: Int) -> Bool {
        report = attack.carryOut(isDefended: isDefended, seed: seed)
        return false
    }

    package var progress: ScenarioProgress {
        ScenarioProgress(phase: attack.rawValue, now: .origin, events: 0, nodeCount: 0)
    }

    package mutating func finish() -> AttackReport {
        report ?? attack.carryOut(isDefended: isDefended, seed: seed)
    }
}
