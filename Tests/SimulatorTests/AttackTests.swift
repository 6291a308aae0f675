import Simulator
import Testing

/// The attacks on one node, and on a small network; `dhtnode simulate attacks` has those on a large one.
@Suite struct AttackTests {
    private static let short: [Attack] = [
        .reflector, .tokenReplay, .storeFlood, .fakePeers, .amplification, .coldStart,
    ]

    @Test(arguments: short) func theDefenceHolds(attack: Attack) {
        let report = attack.carryOut(isDefended: true, seed: 1)
        #expect(report.figures.allSatisfy { $0.isHeld }, "\(report.figures)")
    }

    /// Or else the figures say nothing about the defence.
    @Test(arguments: short) func withoutItTheAttackSucceeds(attack: Attack) {
        let report = attack.carryOut(isDefended: false, seed: 1)
        #expect(!report.figures.allSatisfy { $0.isHeld }, "\(report.figures)")
    }
}
