package import KRPC
package import Primitives

/// What the node tells its owner.
package enum Event: Equatable, Sendable {
    /// The first node ever to answer one of our queries did so.
    case firstContact(Endpoint)
    /// A lookup of our own id ended, at one home, and its table has `nodes` contacts.
    ///
    /// It comes again and again: soon while the table is poor, every half hour later. With 0 nobody answered; the node
    /// tries again by itself.
    case bootstrapFinished(home: HomeIndex, nodes: Int)
    /// Peers that this lookup had not reported before, as one node (`from`) knew them. Never empty.
    case peersFound(LookupID, [Endpoint], from: Endpoint)
    /// The lookup is over, and so is its id.
    case lookupFinished(LookupID, LookupReport)
    /// The lookup was not started: too many are running, or one under this id is.
    case lookupRefused(LookupID)
    /// A `ping` command was answered, or not within the time of a query: then there is no `Pong`.
    case pinged(Endpoint, Pong?)
    /// Enough nodes agree that `home` is seen from outside at this address (the port is as the last of them saw it).
    case externalAddressKnown(home: HomeIndex, Endpoint)
    /// `home` took an id that its external address allows (BEP 42). A saved state should keep it.
    case identityChanged(home: HomeIndex, NodeID)
}

/// The answer to a ping.
package struct Pong: Equatable, Sendable {
    package let id: NodeID
    /// `v` as it came, its beginning if it is long: by convention two letters and two bytes.
    package let version: [UInt8]
    /// As whom the node sees us (BEP 42).
    package let observed: Endpoint?
    package let roundTrip: Duration
}

/// How a lookup went, over all homes that took part.
package struct LookupReport: Equatable, Sendable {
    /// How many nodes were asked, resends not counted.
    package var queried = 0
    package var answered = 0
    /// How many of those asked had given no answer at all when the lookup ended.
    package var unanswered = 0
    /// How many distinct peers were reported.
    package var peers = 0
    /// How many nodes confirmed our announce.
    package var announcedTo = 0
    /// The closest nodes that answered, nearest first, at most k for each family; IPv4 before IPv6.
    package var closest: [Contact] = []
    package var duration = Duration.zero

    package init() {}
}
