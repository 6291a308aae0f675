/// How the magnets of one seed fared; what never came is infinite in the spreads.
package struct MagnetReport: Equatable, Sendable {
    package var seed: UInt64 = 0
    package var nodeCount = 0
    package var magnets = 0
    /// Whose metadata came in time.
    package var resolved = 0
    /// Seconds after the magnet was handed out.
    package var firstValueSeconds = Spread()
    /// Until the handshake with some peer was complete.
    package var firstConnectionSeconds = Spread()
    package var metadataSeconds = Spread()
    /// Until the metadata, or until it was given up.
    package var peersFound = Spread()
    package var calls = Spread()
    /// The most calls within any second.
    package var callsPerSecondMax = Spread()
    /// Metadata that were whole and wrong.
    package var rejections = 0
    package var traffic = VirtualNetwork.Traffic()
    package var digest: UInt64 = 0

    package init() {}

    mutating func fill(with trials: [MagnetTrial]) {
        magnets = trials.count
        resolved = trials.count { $0.metadataAt != nil }
        firstValueSeconds = Spread(trials.map { $0.seconds(until: $0.firstValueAt) })
        firstConnectionSeconds = Spread(trials.map { $0.seconds(until: $0.firstConnectionAt) })
        metadataSeconds = Spread(trials.map { $0.seconds(until: $0.metadataAt) })
        peersFound = Spread(trials.map { Double($0.peersFound) })
        calls = Spread(trials.map { Double($0.calls.count) })
        callsPerSecondMax = Spread(trials.map { Double($0.callsPerSecondMax) })
        rejections = trials.reduce(0) { $0 + $1.rejections }
    }
}
