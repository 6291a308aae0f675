import Primitives

/// What a network of nodes that come and go takes, day by day.
package struct WeekReport: Equatable, Sendable {
    /// What all living nodes hold together, and the most that one of them holds.
    package struct Footprint: Equatable, Sendable {
        package struct Total: Equatable, Sendable {
            package var sum = 0
            package var largest = 0

            mutating func add(_ count: Int) {
                sum += count
                largest = max(largest, count)
            }
        }

        package var nodes = 0
        package var contacts = Total()
        package var spares = Total()
        package var unverified = Total()
        package var transactions = Total()
        package var lookups = Total()
        package var infoHashes = Total()
        package var peers = Total()
        package var sources = Total()
        package var flows = Total()
        package var cachedLookups = Total()

        package init() {}

        /// In the order of a report.
        package var totals: [(name: String, total: Total)] {
            [
                ("contacts", contacts), ("spares", spares), ("unverified", unverified),
                ("transactions", transactions), ("lookups", lookups), ("info_hashes", infoHashes), ("peers", peers),
                ("sources", sources), ("flows", flows), ("cached_lookups", cachedLookups),
            ]
        }
    }

    /// One day: the means of its samples, and what was done in it.
    package struct Day: Equatable, Sendable {
        package var samples: [Footprint] = []
        package var departures = 0
        package var announces = 0
        package var announcesStored = 0
        package var lookups = 0
        package var succeeded = 0
        /// Packets delivered and timers fired.
        package var events = 0
        package var bytesSent = 0

        package init() {}

        /// Per living node, over the samples of the day.
        package func mean(_ total: (Footprint) -> Footprint.Total) -> Double {
            let nodes = samples.reduce(0) { $0 + $1.nodes }
            return nodes == 0 ? 0 : Double(samples.reduce(0) { $0 + total($1).sum }) / Double(nodes)
        }

        /// The most of it that one node held in any sample.
        package func largest(_ total: (Footprint) -> Footprint.Total) -> Int {
            samples.map { total($0).largest }.max() ?? 0
        }

        package var successShare: Double { lookups == 0 ? 0 : Double(succeeded) / Double(lookups) }
    }

    package var nodeCount = 0
    package var days: [Day] = []
    package var violations: [Violation] = []
    package var violationCount = 0
    package var digest: UInt64 = 0

    package init() {}

    /// How much of each kind the last day holds per node, as a share of the second: the first one fills the stores.
    ///
    /// 1 with fewer than three days. Kinds of which a node holds less than one are counted as one.
    package var growth: [(name: String, factor: Double)] {
        guard days.count > 2, let last = days.last else { return Footprint().totals.map { ($0.name, 1) } }
        let second = days[1]
        return Footprint().totals.indices.map { index in
            let name = Footprint().totals[index].name
            let before = second.mean { $0.totals[index].total }
            let after = last.mean { $0.totals[index].total }
            return (name, max(after, 1) / max(before, 1))
        }
    }
}
