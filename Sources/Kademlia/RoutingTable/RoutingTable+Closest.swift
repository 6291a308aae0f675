package import KRPC
package import Primitives

/// What the table is asked: who is near a target, and who has been silent the longest.
extension RoutingTable {
    /// The most contacts that `appendClosest` gives.
    package static var closestLimit: Int { ClosestSelection.capacity }

    /// Appends the `count` contacts nearest to `target` to `result`, nearest first; at most `closestLimit`.
    ///
    /// Bad contacts are left out unless asked for: what we hand out to others should be alive. At most half of them are
    /// contacts whose address does not allow their id (BEP 42), as long as there are enough others: whoever chooses ids
    /// next to a target cannot keep its neighbours from being named.
    @specialized(where Address == EndpointV4)
    package func appendClosest(
        to target: ID160, count: Int, includingBad: Bool = false, into result: inout [Contact]
    ) {
        var selection = closest(to: target, count: count, includingBad, onlySecure: false)
        if isPublic, rules.prefersSecureIDs {
            var insecure = 0
            for rank in 0..<selection.count where !contacts[selection[rank]].isSecure { insecure += 1 }
            if insecure > count / 2 { mix(&selection, insecure: insecure, near: target, includingBad) }
        }
        for rank in 0..<selection.count { result.append(contacts[selection[rank]].contact) }
    }

    /// The nearest, `insecure` of them under ids that their address does not allow: the farthest of these beyond half
    /// give way to the nearest others.
    private func mix(
        _ selection: inout ClosestSelection, insecure: Int, near target: ID160, _ includingBad: Bool
    ) {
        let limit = min(selection.limit, Self.closestLimit)
        let secure = closest(to: target, count: limit, includingBad, onlySecure: true)
        let insecureKept = max(limit / 2, limit - secure.count)
        var mixed = ClosestSelection(limit: limit)
        var kept = 0
        for rank in 0..<selection.count where !contacts[selection[rank]].isSecure && kept < insecureKept {
            mixed.insert(selection[rank], distance: contacts[selection[rank]].id ^ target)
            kept += 1
        }
        for rank in 0..<min(secure.count, limit - kept) {
            mixed.insert(secure[rank], distance: contacts[secure[rank]].id ^ target)
        }
        selection = mixed
    }

    private func closest(
        to target: ID160, count: Int, _ includingBad: Bool, onlySecure: Bool
    ) -> ClosestSelection {
        // All of the target's own bucket are nearer than all of the deeper ones, and those nearer than any
        // shallower one: only members of one group need comparing.
        var selection = ClosestSelection(limit: count)
        let home = bucket(of: target)
        let own = range(of: home)
        select(own, nearestTo: target, includingBad, onlySecure, into: &selection)
        if !selection.isFull {
            select(own.upperBound..<contacts.count, nearestTo: target, includingBad, onlySecure, into: &selection)
        }
        var (bucket, start) = (home, own.lowerBound)
        while !selection.isFull, bucket > 0 {
            bucket -= 1
            let end = start
            start -= contactCount(of: bucket)
            select(start..<end, nearestTo: target, includingBad, onlySecure, into: &selection)
        }
        return selection
    }

    /// Adds one group of contacts behind those that are selected already.
    private func select(
        _ group: Range<Int>, nearestTo target: ID160, _ includingBad: Bool, _ onlySecure: Bool,
        into selection: inout ClosestSelection
    ) {
        let contacts = contacts.span
        selection.beginGroup()
        for index in group where selection.mayTake(contacts[index].id.high ^ target.high) {
            guard includingBad || !contacts[index].isBad, !onlySecure || contacts[index].isSecure else { continue }
            selection.insert(index, distance: contacts[index].id ^ target)
        }
    }

    /// How well a contact has answered; nil if it is none of ours.
    func record(id: NodeID, address: Address) -> ContactRecord? {
        guard let index = index(of: id), contacts[index].address == address else { return nil }
        return ContactRecord(roundTrip: contacts[index].roundTrip, failures: contacts[index].failures)
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
        return (target, hasRoom: contactCount(of: bucket) < capacity(of: bucket) || isLast)
    }
}

/// How a contact of ours has answered.
struct ContactRecord: Sendable {
    let roundTrip: Duration
    let failures: Int
}

/// The nearest of the contacts shown to it, by index, without allocating.
private struct ClosestSelection {
    static let capacity = 16

    let limit: Int
    private var indices = [16 of Int](repeating: 0)
    private var distances = [16 of ID160](repeating: .zero)
    /// The first word of the farthest distance that is still taken.
    private var reach = UInt64.max
    private var groupStart = 0
    private(set) var count = 0

    init(limit: Int) {
        self.limit = min(limit, Self.capacity)
    }

    var isFull: Bool { count >= limit }

    subscript(rank: Int) -> Int { indices[rank] }

    /// What comes from here on is farther than all that was inserted before.
    mutating func beginGroup() {
        groupStart = count
    }

    /// Whether a distance with this first word can be among the nearest: settles most of them by one comparison.
    func mayTake(_ high: UInt64) -> Bool { high <= reach }

    mutating func insert(_ index: Int, distance: ID160) {
        var position = count
        while position > groupStart, distance < distances[position - 1] { position -= 1 }
        guard position < limit else { return }
        if count < limit { count += 1 }
        var last = count - 1
        while last > position {
            indices[last] = indices[last - 1]
            distances[last] = distances[last - 1]
            last -= 1
        }
        indices[position] = index
        distances[position] = distance
        if isFull { reach = distances[limit - 1].high }
    }
}
