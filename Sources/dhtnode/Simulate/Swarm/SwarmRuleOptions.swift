import ArgumentParser
import CommandSupport
import Primitives
import Swarm

/// What the clients of the swarm do differently from the defaults.
struct SwarmRuleOptions: ParsableArguments {
    @Flag(help: "Begin any piece instead of the rarest.")
    var randomPieces = false

    @Flag(help: "Serve in turns instead of those that give most.")
    var noTitForTat = false

    @Flag(help: "Ask for no block twice at the end.")
    var noEndGame = false

    @Option(help: ArgumentHelp("Peers served at once, besides the one by chance.", valueName: "n"))
    var slots: Int?

    @Option(help: ArgumentHelp("How often places are given anew.", valueName: "seconds"))
    var chokeInterval: Seconds?

    @Option(help: ArgumentHelp("How long a peer has the place by chance.", valueName: "seconds"))
    var optimisticInterval: Seconds?

    @Option(help: ArgumentHelp("How long a seed serves a peer at least.", valueName: "seconds"))
    var seedTurn: Seconds?

    @Option(help: ArgumentHelp("How much a seed serves a peer at least.", valueName: "size"))
    var seedTurnSize: DataSize?

    @Option(help: ArgumentHelp("What may wait in one connection's socket.", valueName: "size"))
    var inFlight: DataSize?

    @Option(help: ArgumentHelp("How much of a peer's rate is asked for ahead.", valueName: "seconds"))
    var queueTime: Seconds?

    @Option(help: ArgumentHelp("Blocks asked for ahead at first.", valueName: "n"))
    var requestsInitial: Int?

    @Option(help: ArgumentHelp("Blocks asked for ahead at most.", valueName: "n"))
    var requestsMax: Int?

    func validate() throws {
        if let slots, !(1...1_000).contains(slots) { throw ValidationError("--slots is 1 to 1000.") }
        for (name, value) in [("--requests-initial", requestsInitial), ("--requests-max", requestsMax)] {
            if let value, !(2...10_000).contains(value) { throw ValidationError("\(name) is 2 to 10000.") }
        }
    }

    var configuration: Swarm.Configuration {
        var rules = Swarm.Configuration()
        rules.picksRarestFirst = !randomPieces
        rules.usesTitForTat = !noTitForTat
        if noEndGame { rules.duplicateRequestsMax = 1 }
        rules.uploadSlots = slots ?? rules.uploadSlots
        rules.uploadSlotsMax = slots ?? rules.uploadSlotsMax
        rules.chokeInterval = chokeInterval?.duration ?? rules.chokeInterval
        rules.optimisticInterval = optimisticInterval?.duration ?? rules.optimisticInterval
        rules.seedTurnTime = seedTurn?.duration ?? rules.seedTurnTime
        rules.seedTurnBytes = seedTurnSize?.bytes ?? rules.seedTurnBytes
        rules.uploadInFlightBytesMax = inFlight?.bytes ?? rules.uploadInFlightBytesMax
        rules.requestQueueTime = queueTime?.duration ?? rules.requestQueueTime
        rules.requestsInitial = requestsInitial ?? rules.requestsInitial
        rules.requestsMax = requestsMax ?? rules.requestsMax
        return rules
    }
}
