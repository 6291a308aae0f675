package import KRPC
package import Primitives

/// What the owner of a node can ask of it.
package enum Command: Equatable, Sendable {
    /// Adds endpoints to start from and begins (or goes on) bootstrapping. The node retries for ever, so
    /// this is said once; saying it again adds endpoints and tries at once.
    case bootstrap([Endpoint])
    /// Starts a lookup under an id that the caller chose and no running lookup has. It never waits for a bootstrap.
    case lookup(LookupID, target: ID160, LookupPurpose)
    /// Puts an item as `LookupPurpose.put` does, now and then every `republishInterval`, until it is cancelled.
    ///
    /// Each round ends with a `lookupFinished`. Somebody's newer version ends it: `publicationEnded`.
    case publish(LookupID, Item)
    /// Ends a lookup, or a publication, without any further event. Unknown ids are ignored.
    case cancel(LookupID)
    /// Asks the node at an endpoint for a sign of life; `Event.pinged` says what came of it.
    case ping(Endpoint)
    /// Somebody may run a node there (a PORT message, `x.pe`, a torrent's `nodes`): it is pinged at the bounded
    /// rate of unverified contacts and enters the table if it answers.
    case contact(Endpoint)
}

/// The caller's name for one lookup.
package struct LookupID: Hashable, Sendable {
    package var rawValue: UInt64

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// What a lookup does on its way to the nodes closest to the target.
package enum LookupPurpose: Hashable, Sendable {
    /// Finds the closest nodes.
    case findNode
    /// Streams the peers of an infohash as they are found.
    case getPeers
    /// As `getPeers`, then `announce_peer` to the closest nodes with the tokens they gave.
    /// Port 0 means the port that the datagrams leave from (`implied_port`). A seed has everything (BEP 33).
    case announce(port: UInt16, isSeed: Bool = false)
    /// As `getPeers`, and asks how many there are (BEP 33); the answer is in the report.
    case scrape
    /// Asks the nodes on the way for infohashes that they store (BEP 51), but none of them before its time.
    case sample
    /// Looks for the item of the target (BEP 44): the first authentic immutable one, the newest of mutable ones.
    case get(ItemWish)
    /// Stores an item (BEP 44) at the nodes closest to the target, which must be its own.
    ///
    /// With an expected sequence number, only where that is the one stored (`cas`).
    case put(Item, expectedSequence: Int64? = nil)
}
