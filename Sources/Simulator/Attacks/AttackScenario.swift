import Kademlia
import Primitives

/// One attack in one piece: there is no way to tell how far it is, or to stop it.
package struct AttackScenario: Scenario {
    private let attack: Attack
    private let isDefended: Bool
    private let seed: UInt64

    package init(_ attack: Attack, isDefended: Bool, seed: UInt64) {
        (self.attack, self.isDefended, self.seed) = (attack, isDefended, seed)
    }

    package mutating func advance(events: Int) -> Bool {
        false
    }

    package var progress: ScenarioProgress {
        ScenarioProgress(phase: attack.rawValue, now: .origin, events: 0, nodeCount: 0)
    }

    package mutating func finish() -> AttackReport {
        attack.carryOut(isDefended: isDefended, seed: seed)
    }
}
