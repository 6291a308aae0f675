import KRPC
import Primitives

/// What the node asks of its homes for every packet.
///
/// Inlined and field by field, through a span: a method of the node or of a home, or a home taken out of the array,
/// would get a copy of the whole of it.
extension Node {
    /// The first home of a family.
    @inline(__always)
    func home(of family: Endpoint.Family) -> HomeIndex? {
        let homes = homes.span
        for home in homes.indices where homes[home].family == family { return home }
        return nil
    }

    /// Whether a packet comes from ourselves: a loop, or somebody's forgery to make us talk to ourselves.
    @inline(__always)
    func isOwn(_ source: Endpoint, at home: HomeIndex) -> Bool {
        let homes = homes.span
        return source == homes[home].local || source == homes[home].external
    }

    @inline(__always)
    func isOwn(_ id: NodeID) -> Bool {
        let homes = homes.span
        for home in homes.indices where homes[home].id == id { return true }
        return false
    }

    /// Fewer contacts than a bucket holds.
    @inline(__always)
    func isPoor(_ home: HomeIndex) -> Bool {
        let homes = homes.span
        return homes[home].contactCount < configuration.bucketSize
    }

    /// What the table thinks of a node that has not just answered.
    @inline(__always)
    func standing(_ contact: Contact, at home: HomeIndex) -> TableStanding {
        let homes = homes.span
        switch contact.endpoint {
        case .v4(let address): return homes[home].tableV4.standing(id: contact.id, address: address)
        case .v6(let address): return homes[home].tableV6.standing(id: contact.id, address: address)
        }
    }

    /// How well a contact has answered; nil if it is none of ours.
    @inline(__always)
    func record(of contact: Contact, at home: HomeIndex) -> ContactRecord? {
        let homes = homes.span
        switch contact.endpoint {
        case .v4(let address): return homes[home].tableV4.record(id: contact.id, address: address)
        case .v6(let address): return homes[home].tableV6.record(id: contact.id, address: address)
        }
    }

    @inline(__always)
    func appendClosest(
        to target: ID160, count: Int, includingBad: Bool = false, at home: HomeIndex, into result: inout [Contact]
    ) {
        let homes = homes.span
        switch homes[home].family {
        case .v4:
            homes[home].tableV4.appendClosest(to: target, count: count, includingBad: includingBad, into: &result)
        case .v6:
            homes[home].tableV6.appendClosest(to: target, count: count, includingBad: includingBad, into: &result)
        }
    }

    /// Reads a little of all that a packet needs, from the memory of many a node, and adds it up.
    ///
    /// Mutating only so that it is not copied.
    package mutating func touch() -> Int {
        var sum = transactions.touch() &+ unverified.count &+ lookups.count &+ store.infoHashCount
        sum &+= counters.timeouts &+ Int(truncatingIfNeeded: lastReceived.nanoseconds)
        for home in homes.indices {
            sum &+= homes.span[home].tableV4.contacts.count &+ homes.span[home].tableV4.counts.count
            if homes.span[home].selfLookupAt == nil { sum &+= 1 }
        }
        return sum
    }

    /// Writes a query of ours; `number` comes back with its answer.
    @inline(__always)
    func encode(_ query: OutgoingQuery, number: UInt32, at home: HomeIndex, into bytes: inout [UInt8]) {
        let homes = homes.span
        homes[home].encoder.encode(query, number: number, localPort: homes[home].local.port, into: &bytes)
    }
}
