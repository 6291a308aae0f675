import ArgumentParser
import CommandSupport

/// `dhtnode simulate`: each scenario is a subcommand.
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Simulate a whole network on a virtual clock.",
        discussion: """
            The nodes are those that `dhtnode run` runs, and their packets are real; only the clock and the wires are \
            not. One seed decides everything: the same command of the same build ends with the same digest.
            """,
        subcommands: [
            SimulateLookups.self, SimulateGrowth.self, SimulateCalibration.self, SimulateAttacks.self,
            SimulateWeek.self, SimulateFaults.self, SimulateSwarm.self, SimulateRude.self, SimulateMagnet.self,
        ],
        defaultSubcommand: SimulateLookups.self)
}
