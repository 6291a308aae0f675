import Primitives

/// Just enough of uTP (BEP 29) to refuse it: a header can be read, and a SYN answered with a RESET.
///
/// Clients that prefer uTP try it first and wait seconds for an answer; told no, they fall back to TCP at once.
struct UTPHeader: Equatable, Sendable {
    enum Kind: UInt8, Sendable {
        case data, fin, state, reset, syn
    }

    static let byteCount = 20
    private static let version: UInt8 = 1
    /// The first of the two known extensions is 1, selective acks; a SYN may carry others, and they are skipped.
    private static let noExtension: UInt8 = 0

    var kind: Kind
    var connectionID: UInt16
    var sequenceNumber: UInt16
    var acknowledgedNumber: UInt16

    init(kind: Kind, connectionID: UInt16, sequenceNumber: UInt16, acknowledgedNumber: UInt16) {
        self.kind = kind
        self.connectionID = connectionID
        self.sequenceNumber = sequenceNumber
        self.acknowledgedNumber = acknowledgedNumber
    }

    /// Nil when `bytes` do not begin with a uTP header of version 1.
    ///
    /// Its first byte holds a type of 0 to 4 and the version, so it is never the `d` that all KRPC begins with.
    init?(_ bytes: RawSpan) {
        guard bytes.byteCount >= Self.byteCount, bytes.byte(at: 0) & 0x0F == Self.version,
            let kind = Kind(rawValue: bytes.byte(at: 0) >> 4)
        else { return nil }
        self.init(
            kind: kind,
            connectionID: bytes.bigEndian(at: 2, as: UInt16.self),
            sequenceNumber: bytes.bigEndian(at: 16, as: UInt16.self),
            acknowledgedNumber: bytes.bigEndian(at: 18, as: UInt16.self))
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(kind.rawValue << 4 | Self.version)
        bytes.append(Self.noExtension)
        bytes.appendBigEndian(connectionID)
        // Timestamp, timestamp difference and window: a refusal measures nothing and takes nothing.
        bytes.append(contentsOf: repeatElement(0, count: 12))
        bytes.appendBigEndian(sequenceNumber)
        bytes.appendBigEndian(acknowledgedNumber)
    }

    /// The RESET that refuses this SYN; nil for all else: a RESET must never be answered, and packets of connections
    /// that we refused die out by themselves.
    ///
    /// The initiator receives under the id that its SYN names (BEP 29, "connection setup"), and libtorrent and libutp
    /// believe only a RESET that acknowledges the SYN.
    var refusal: UTPHeader? {
        guard kind == .syn else { return nil }
        return UTPHeader(
            kind: .reset, connectionID: connectionID, sequenceNumber: 0, acknowledgedNumber: sequenceNumber)
    }
}

/// Bounds how many SYNs are answered: their sources may be forged, and a refusal is as long as what asked for it.
struct RefusalBudget: Sendable {
    static let refusalsPerSecondMax = 1_000

    private var windowStart = Instant.origin
    private var used = 0
    /// SYNs that got no answer.
    private(set) var withheld = 0

    init() {}

    mutating func take(now: Instant) -> Bool {
        if now - windowStart >= .seconds(1) {
            windowStart = now
            used = 0
        }
        guard used < Self.refusalsPerSecondMax else {
            withheld += 1
            return false
        }
        used += 1
        return true
    }
}
