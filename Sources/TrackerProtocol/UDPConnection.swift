package import Primitives

/// The id by which a UDP tracker knows that we receive at the address we send from (BEP 15).
///
/// It may serve all announces from one address to one tracker for a minute: an owner of many torrents keeps it by
/// tracker and home, and gives it to the next transaction.
package struct UDPConnection: Hashable, Sendable {
    /// The number that the tracker chose.
    package let id: UInt64
    /// When the tracker's reply came.
    package let receivedAt: Instant

    /// BEP 15: a client's share; trackers accept an id for twice as long.
    package static let lifetime: Duration = .seconds(60)

    package init(id: UInt64, receivedAt: Instant) {
        self.id = id
        self.receivedAt = receivedAt
    }

    /// Whether the minute is not over.
    package func isUsable(now: Instant) -> Bool { now < receivedAt + Self.lifetime }
}
