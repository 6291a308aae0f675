import Primitives

/// What came of a simulation: equal for equal options, wherever it ran.
package struct SimulationReport: Equatable, Sendable {
    /// Nodes alive at the end.
    package var nodeCount = 0
    /// Hosts that there ever were.
    package var hostCount = 0
    package var departures = 0
    package var policies = Population.PolicyCounts()
    /// Virtual time from the first join to the end.
    package var duration = Duration.zero
    package var traffic = VirtualNetwork.Traffic()
    /// Nodes that found somebody to know, the first one not counted.
    package var nodesBootstrapped = 0
    /// Contacts in the tables of the living at the end.
    package var contactsPerNode = Spread()

    package var announces = 0
    /// Announces that at least one node confirmed: only these are looked up.
    package var announcesStored = 0
    package var handedOut = LookupFigures.HandedOut()
    /// In the order in which the options name the policies.
    package var figures: [LookupFigures] = []

    package var digest: UInt64 = 0

    package init() {}
}
