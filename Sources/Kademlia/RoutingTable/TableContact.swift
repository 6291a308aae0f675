package import KRPC
package import Primitives

/// A contact of the routing table: who, where, and how well it has answered.
///
/// Packed, because a million simulated nodes hold some seventy each: 32 bytes for IPv4, 48 for IPv6.
package struct TableContact<Address: ContactAddress>: Equatable, Sendable {
    package let id: NodeID
    package let address: Address
    /// From the top: 12 bits of round trip in units of 4 ms, one bit for a secure id, 3 bits of failures.
    private var quality: UInt16
    private var touchedSeconds: UInt32

    private static var failureMask: UInt16 { 7 }
    private static var secureBit: UInt16 { 8 }

    package init(id: NodeID, address: Address, roundTrip: Duration, isSecure: Bool = true, now: Instant) {
        self.id = id
        self.address = address
        touchedSeconds = Self.seconds(now)
        quality = Self.code(roundTrip) | (isSecure ? Self.secureBit : 0)
    }

    /// Queries left unanswered since the last answer, saturating at 7.
    package var failures: Int { Int(quality & Self.failureMask) }

    /// Not to be handed out, and the first to be replaced: several queries in a row failed (BEP 5).
    ///
    /// One may be loss.
    package var isBad: Bool { failures >= 2 }

    /// Whether the address allows the id (BEP 42).
    package var isSecure: Bool { quality & Self.secureBit != 0 }

    /// The smoothed round trip, to 4 ms and at most 16 s.
    package var roundTrip: Duration { .milliseconds(Int(roundTripCode) * 4) }

    /// The same in units of 4 ms, for comparing.
    var roundTripCode: UInt16 { quality >> 4 }

    /// When it last gave a sign of life or was asked for one by upkeep, to the second.
    package var lastTouched: Instant { Instant(nanoseconds: Int64(touchedSeconds) * 1_000_000_000) }

    package var contact: Contact { Contact(id: id, endpoint: address.endpoint) }

    /// It answered: failures are forgiven, the round trip moves a quarter of the way.
    mutating func answered(roundTrip: Duration, now: Instant) {
        let sample = Self.code(roundTrip) >> 4
        let smoothed = (3 * (quality >> 4) + sample + 2) / 4
        quality = smoothed << 4 | quality & Self.secureBit
        touchedSeconds = Self.seconds(now)
    }

    mutating func touched(now: Instant) {
        touchedSeconds = Self.seconds(now)
    }

    mutating func failed() {
        if failures < Int(Self.failureMask) { quality += 1 }
    }

    private static func seconds(_ instant: Instant) -> UInt32 {
        UInt32(clamping: instant.nanoseconds / 1_000_000_000)
    }

    private static func code(_ roundTrip: Duration) -> UInt16 {
        UInt16(clamping: min(4095, max(0, roundTrip.wholeNanoseconds / 4_000_000))) << 4
    }
}
