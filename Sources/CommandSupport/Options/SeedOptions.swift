package import ArgumentParser

/// When seeding ends by itself.
package struct SeedOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Stop seeding when this many times the torrent's size was uploaded in this run.", valueName: "r"))
    package var seedRatio: Double?

    @Option(help: ArgumentHelp("Stop seeding after this time.", valueName: "seconds"))
    package var seedTime: Seconds?

    package init() {}

    package func validate() throws {
        if let seedRatio, !(seedRatio > 0 && seedRatio.isFinite) {
            throw ValidationError("--seed-ratio must be more than 0.")
        }
    }

    /// Whether one of them was given.
    package var isGiven: Bool { seedRatio != nil || seedTime != nil }

    package var limits: SeedLimits { SeedLimits(ratio: seedRatio, time: seedTime?.duration) }
}
