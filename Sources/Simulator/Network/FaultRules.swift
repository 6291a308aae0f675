import Primitives

/// What the network does to packets beside carrying them; it can be changed at any time.
package struct FaultRules: Equatable, Sendable {
    /// Hosts in two halves that do not hear each other.
    package struct Partition: Equatable, Sendable {
        /// How many of all hosts are on the smaller side.
        package var share: Double
        /// Which ones they are follows from it.
        package var salt: UInt64

        package init(share: Double, salt: UInt64) {
            self.share = share
            self.salt = salt
        }

        func isOnSmallerSide(_ host: HostIndex) -> Bool {
            Double(MappingTable.mix(salt ^ UInt64(host)) >> 11) * 0x1p-53 < share
        }
    }

    /// How many of all packets are lost, 0 to 1.
    package var lossShare = 0.0

    /// How many arrive twice, the second time somewhat later.
    package var duplicationShare = 0.0

    /// Each packet takes up to so much longer than its pair of hosts usually does: packets overtake each other.
    package var jitter = Duration.zero

    /// How many are held up somewhere, and for how long at most.
    package var delayedShare = 0.0
    package var longestDelay = Duration.seconds(5)

    package var partition: Partition?

    package init(lossShare: Double = 0) {
        self.lossShare = lossShare
    }

    func separates(_ first: HostIndex, _ second: HostIndex) -> Bool {
        guard let partition else { return false }
        return partition.isOnSmallerSide(first) != partition.isOnSmallerSide(second)
    }

    func isLost(using generator: inout SeededGenerator) -> Bool {
        Self.happens(lossShare, using: &generator)
    }

    func isDoubled(using generator: inout SeededGenerator) -> Bool {
        Self.happens(duplicationShare, using: &generator)
    }

    /// What a packet takes beyond the latency of its pair.
    func extraDelay(using generator: inout SeededGenerator) -> Duration {
        var delay = Duration.zero
        if jitter > .zero { delay += Self.duration(upTo: jitter, using: &generator) }
        if Self.happens(delayedShare, using: &generator) {
            delay += Self.duration(upTo: longestDelay, using: &generator)
        }
        return delay
    }

    static func happens(_ share: Double, using generator: inout SeededGenerator) -> Bool {
        share > 0 && Double.random(in: 0..<1, using: &generator) < share
    }

    private static func duration(upTo limit: Duration, using generator: inout SeededGenerator) -> Duration {
        .nanoseconds(Int64.random(in: 0...limit.wholeNanoseconds, using: &generator))
    }
}
