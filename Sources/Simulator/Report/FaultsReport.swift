/// One run of `simulate faults`.
package struct FaultsReport: Equatable, Sendable {
    package var seed: UInt64 = 0
    package var mix = FaultMix()
    package var nodeCount = 0
    package var events = 0
    package var packetsChecked = 0
    package var statesChecked = 0
    package var violations: [Violation] = []
    package var violationCount = 0
    /// After healing: nodes whose table is poorer than their network allows.
    package var poorNodes = 0
    package var announces = 0
    package var announcesStored = 0
    package var lookups = 0
    package var succeeded = 0
    package var digest: UInt64 = 0

    package init() {}

    /// Nothing forbidden was done, and the network came to life again.
    package var isHealthy: Bool { violationCount == 0 && isAlive }

    package var isAlive: Bool {
        poorNodes == 0 && announces > 0 && announcesStored == announces && lookups > 0 && succeeded == lookups
    }
}
