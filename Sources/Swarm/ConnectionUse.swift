import PeerProtocol
import Primitives

/// What went over a connection, in either direction, that was wanted: whether it is worth its place while others wait.
///
/// The rate decides: otherwise a peer could keep its place for ever with one block a minute.
struct ConnectionUse {
    /// Bytes of the last minute or so.
    private var received = FadingAmount(halfLife: ConnectionUse.halfLife)
    private var sent = FadingAmount(halfLife: ConnectionUse.halfLife)
    private var firstAt: Instant?
    /// When a wanted block was last received, or more than crumbs were sent, the latter as of a tick.
    private(set) var lastAt: Instant?

    private static let halfLife: Duration = .seconds(30)
    /// Half a kilobyte to one a second.
    private static let bytesMin = 32 << 10
    /// Twice as much is the least that is not slow.
    private static let slowBytesMax = 64 << 10
    /// From its first use on it is worth its place for so long, however little goes.
    private static let graceTime: Duration = .seconds(30)
    /// After so long it shows how fast a connection is.
    private static let trialTime: Duration = .seconds(15)
    /// Less than this, sent between two ticks, is no use.
    private static let crumbBytesMax = BlockRequest.usualLength / 16

    mutating func received(_ bytes: Int, now: Instant) {
        received.add(bytes, now: now)
        note(now: now)
    }

    mutating func sent(_ bytes: Int, now: Instant) {
        sent.add(bytes, now: now)
        if bytes >= Self.crumbBytesMax { note(now: now) }
    }

    private mutating func note(now: Instant) {
        lastAt = now
        if firstAt == nil { firstAt = now }
    }

    /// Bytes that went lately, in both directions.
    func bytes(now: Instant) -> Int { received.amount(now: now) + sent.amount(now: now) }

    /// Something has gone within `time`, and not only a trickle, once it had the time to show it.
    func isOf(_ time: Duration, now: Instant) -> Bool { isUse(of: bytes(now: now), within: time, now: now) }

    /// The same of what was received alone.
    func isGiving(within time: Duration, now: Instant) -> Bool {
        let bytes = received.amount(now: now)
        return bytes > 0 && isUse(of: bytes, within: time, now: now)
    }

    private func isUse(of bytes: Int, within time: Duration, now: Instant) -> Bool {
        guard let lastAt, let firstAt, now - lastAt < time else { return false }
        return now - firstAt < Self.graceTime || bytes >= Self.bytesMin
    }

    /// It had the time to show what it can, and that is little.
    func isSlow(now: Instant) -> Bool {
        firstAt.map { now - $0 >= Self.trialTime } ?? false && bytes(now: now) < Self.slowBytesMax
    }
}
