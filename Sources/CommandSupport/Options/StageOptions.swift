package import ArgumentParser

/// The limits of each stage of a download, in seconds.
package struct StageOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Give up when no DHT node has answered by then.", valueName: "seconds"))
    package var bootstrapTimeout = Seconds(30)

    @Option(help: ArgumentHelp("Give up when no peer was found by then.", valueName: "seconds"))
    package var peersTimeout = Seconds(120)

    @Option(help: ArgumentHelp("Give up when no peer gave valid metadata by then.", valueName: "seconds"))
    package var metadataTimeout = Seconds(120)

    @Option(help: ArgumentHelp("Give up when no data has arrived for so long.", valueName: "seconds"))
    package var stallTimeout = Seconds(300)

    @Option(
        help: ArgumentHelp(
            "Give up the whole run after this time, with the exit code of the stage reached.", valueName: "seconds"))
    package var timeout: Seconds?

    package init() {}

    package var limits: StageLimits {
        var limits = StageLimits()
        limits.bootstrap = bootstrapTimeout.duration
        limits.peers = peersTimeout.duration
        limits.metadata = metadataTimeout.duration
        limits.stall = stallTimeout.duration
        limits.total = timeout?.duration
        return limits
    }
}
