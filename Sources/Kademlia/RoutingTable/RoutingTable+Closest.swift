package import KRPC
package import Primitives

/// What the table is asked: who is near a target, and who has been silent the longest.
extension RoutingTable {
    /// Appends the `count` contacts nearest to `target` to `result`, nearest first.
    ///
    /// Bad contacts are left out unless asked for: what we hand out to others should be alive.
    package func appendClosest(
        to target: ID160, count: Int, includingBad: Bool = false, into result: inout [Contact]
    ) {
        // All of the target's own bucket are nearer than all of the deeper ones, and those nearer than any
        // shallower one: only members of one group need comparing.
        let home = bucket(of: target)
        let end = result.count + count
        append(range(of: home), nearestTo: target, end: end, includingBad, into: &result)
        if result.count < end, home + 1 < bucketCount {
            let deeper = range(of: home).upperBound..<contacts.count
            append(deeper, nearestTo: target, end: end, includingBad, into: &result)
        }
        var bucket = home - 1
        while result.count < end, bucket >= 0 {
            append(range(of: bucket), nearestTo: target, end: end, includingBad, into: &result)
            bucket -= 1
        }
    }

    /// The contact to check next: one that failed and has had its pause, else the one untouched for the longest.
    func stalest(now: Instant, pauseAfterFailure: Duration) -> Int? {
        var stalest: Int?
        for (index, contact) in contacts.enumerated() {
            if contact.failures > 0, contact.lastTouched + pauseAfterFailure <= now { return index }
            if stalest.map({ contact.lastTouched < contacts[$0].lastTouched }) ?? true { stalest = index }
        }
        return stalest
    }

    /// A random id that belongs into the bucket of `id`, and whether that bucket could take more contacts.
    func refreshTarget(for id: NodeID, using generator: inout SeededGenerator) -> (ID160, hasRoom: Bool) {
        let bucket = bucket(of: id)
        let isLast = bucket == bucketCount - 1
        var target = ID160.random(using: &generator)
        for bit in 0..<bucket { target[bit: bit] = ownID[bit: bit] }
        if !isLast { target[bit: bucket] = !ownID[bit: bucket] }
        return (target, hasRoom: range(of: bucket).count < bucketSize || isLast)
    }

    private func append(
        _ group: Range<Int>, nearestTo target: ID160, end: Int, _ includingBad: Bool,
        into result: inout [Contact]
    ) {
        let start = result.count
        for index in group where includingBad || !contacts[index].isBad {
            let distance = contacts[index].id.distance(to: target)
            var position = result.count
            while position > start, distance < result[position - 1].id.distance(to: target) { position -= 1 }
            guard position < end else { continue }
            if result.count == end { result.removeLast() }
            result.insert(contacts[index].contact, at: position)
        }
    }
}
