/// Max-min fair sharing of access links: no flow can get more without taking from one that has less or as much.
///
/// Each flow leaves through one link, arrives through another and wants no more than its demand. The common level of
/// all flows rises until a flow has what it wants or a link is full; what is settled then stays as it is (Bertsekas
/// and Gallager, "Data Networks", 6.5.2: progressive filling).
package struct FairShare: Sendable {
    /// What one flow wants, and what it gets; in any unit, the same as that of the capacities.
    package struct Flow: Equatable, Sendable {
        package let up: Int
        package let down: Int
        package let demand: Double
        package fileprivate(set) var share = 0.0

        package init(up: Int, down: Int, demand: Double) {
            (self.up, self.down, self.demand) = (up, down, demand)
        }
    }

    private let capacities: [Double]
    private var remaining: [Double]
    /// Unsettled flows of each link.
    private var counts: [Int]
    private var isFull: [Bool]
    /// Links that have an unsettled flow.
    private var links: [Int] = []
    private var unsettled: [Int] = []

    /// Links by their number.
    package init(capacities: [Double]) {
        self.capacities = capacities
        remaining = capacities
        counts = Array(repeating: 0, count: capacities.count)
        isFull = Array(repeating: false, count: capacities.count)
    }

    /// Sets the share of every flow.
    package mutating func divide(among flows: inout [Flow]) {
        prepare(flows)
        while !unsettled.isEmpty {
            var level = Double.infinity
            for link in links where counts[link] > 0 { level = min(level, remaining[link] / Double(counts[link])) }
            // Who wants no more than the level leaves the others at least as much as they had.
            if settleSatisfied(&flows, at: level) { continue }
            for link in links {
                isFull[link] = counts[link] > 0 && remaining[link] <= level * (1 + 1e-9) * Double(counts[link])
            }
            settleStuck(&flows, at: level)
        }
    }

    private mutating func prepare(_ flows: [Flow]) {
        links.removeAll(keepingCapacity: true)
        unsettled.removeAll(keepingCapacity: true)
        for index in flows.indices {
            unsettled.append(index)
            count(flows[index].up)
            count(flows[index].down)
        }
    }

    private mutating func count(_ link: Int) {
        if counts[link] == 0 {
            links.append(link)
            remaining[link] = capacities[link]
        }
        counts[link] += 1
    }

    private mutating func settleSatisfied(_ flows: inout [Flow], at level: Double) -> Bool {
        var kept = 0
        for index in unsettled {
            if flows[index].demand <= level {
                settle(&flows[index], at: flows[index].demand)
            } else {
                unsettled[kept] = index
                kept += 1
            }
        }
        defer { unsettled.removeSubrange(kept...) }
        return kept < unsettled.count
    }

    private mutating func settleStuck(_ flows: inout [Flow], at level: Double) {
        var kept = 0
        for index in unsettled {
            if isFull[flows[index].up] || isFull[flows[index].down] {
                settle(&flows[index], at: level)
            } else {
                unsettled[kept] = index
                kept += 1
            }
        }
        unsettled.removeSubrange(kept...)
    }

    private mutating func settle(_ flow: inout Flow, at share: Double) {
        flow.share = share
        for link in [flow.up, flow.down] {
            remaining[link] = max(0, remaining[link] - share)
            counts[link] -= 1
        }
    }
}
