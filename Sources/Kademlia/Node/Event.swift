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
    /// Infohashes that `from` gave as a sample of the `total` that it stores (BEP 51); there may be none.
    case samplesFound(LookupID, [InfoHash], from: Contact, total: Int)
    /// An authentic item that is newer than what this lookup had found before.
    case itemFound(LookupID, Item, from: Endpoint)
    /// Somebody has stored a newer version of an item that was kept up: it no longer is.
    case publicationEnded(LookupID, newer: Item)
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
    /// How many nodes refused an item.
    package var refused = Refused()
    /// What the nodes together say about peers; nil unless it was asked and some node said anything.
    package var scrape: ScrapeEstimate?
    /// How many nodes gave a sample of their infohashes.
    package var sampledFrom = 0
    /// The newest authentic item of the target that was met.
    package var item: Item?
    /// The closest nodes that answered, nearest first, at most k for each family; IPv4 before IPv6.
    package var closest: [Contact] = []
    package var duration = Duration.zero

    package init() {}

    /// Why nodes did not store an item (BEP 44).
    package struct Refused: Equatable, Sendable {
        /// What they have is not the expected version.
        package var unexpectedSequence = 0
        /// What they have is newer.
        package var sequenceTooLow = 0
        package var otherwise = 0

        package init() {}
    }
}

/// About how many peers a torrent has (BEP 33): what the filters of all nodes that answered say together.
package struct ScrapeEstimate: Equatable, Sendable {
    package var seeds: Double
    /// Those that do not have everything.
    package var peers: Double
    /// Nodes that sent filters.
    package var nodes: Int
}
