import OrderedCollections
import Primitives

/// Who is given the metadata, and how much of it: hosts that had the least go first.
///
/// Metadata is small beside the content, and a peer that asks for it over and over, on one connection or on many, must
/// not take the link. So there is a credit, which grows with time or, under an upload limit, with each portion. A host
/// that has had its copies draws on a second, smaller credit too, which grows with what is uploaded: the width of the
/// link is not known otherwise.
struct MetadataUpload {
    /// Peers with requests that wait, in the order in which they came.
    private(set) var waiting: OrderedSet<PeerHandle> = []
    private(set) var credit: Int
    /// For hosts that have had their copies.
    private var repeatCredit: Int
    private var refilledAt: Instant
    private var hosts: HostLedger
    private var networks: HostLedger

    /// How the credit grows while there is no upload limit, and how far.
    private static let bytesPerSecond = 8 << 20
    private static let creditMax = 4 << 20
    /// The same with a limit.
    private static let limitedCreditMax = 256 << 10
    /// What hosts that had little may take beyond the credit.
    private static let reserve = 64 << 10
    /// Of a portion, the metadata may take one in so many bytes.
    private static let portionShare = 2
    /// Repeated copies may take an eighth of a portion or, without a limit, an eighth of the payload's rate.
    private static let repeatShare = 8
    /// What repeated copies may take beside payload, and while none is uploaded, in bytes per second.
    private static let repeatBytesPerSecond = 16e3
    private static let repeatBytesPerSecondIdle = 256e3
    private static let repeatCreditMax = 128 << 10
    /// Payload at this rate is not held back by a link that is full of metadata.
    private static let idleBytesPerSecond = 1e3
    /// A host has had little until it was given the metadata so often, a network (/24, /56) so often.
    private static let hostCopies = 2
    private static let networkCopies = 32
    private static let hostsMax = 4_096
    private static let halfLife: Duration = .seconds(300)

    init(now: Instant) {
        credit = Self.limitedCreditMax
        repeatCredit = Self.repeatCreditMax
        refilledAt = now
        hosts = HostLedger(hostsMax: Self.hostsMax, halfLife: Self.halfLife)
        networks = HostLedger(hostsMax: Self.hostsMax, halfLife: Self.halfLife)
    }

    /// Without an upload limit; payload is uploaded at `payloadRate`, in bytes per second.
    mutating func refill(payloadRate: Double, now: Instant) {
        let seconds = (now - refilledAt).inSeconds
        guard seconds >= 0.001 else { return }
        refilledAt = now
        let isIdle = payloadRate < Self.idleBytesPerSecond
        let repeatRate =
            isIdle
            ? Self.repeatBytesPerSecondIdle : Self.repeatBytesPerSecond + payloadRate / Double(Self.repeatShare)
        add(seconds * Double(Self.bytesPerSecond), repeats: seconds * repeatRate, upTo: Self.creditMax)
    }

    /// With one.
    mutating func portionCame(_ bytes: Int) {
        add(
            Double(bytes / Self.portionShare), repeats: Double(bytes / Self.repeatShare), upTo: Self.limitedCreditMax)
    }

    private mutating func add(_ bytes: Double, repeats: Double, upTo creditMax: Int) {
        credit = min(creditMax, credit + Int(min(bytes, Double(creditMax))))
        repeatCredit = min(Self.repeatCreditMax, repeatCredit + Int(min(repeats, Double(Self.repeatCreditMax))))
    }

    func hasHadLittle(_ endpoint: Endpoint, size: Int, now: Instant) -> Bool {
        hosts.amount(of: endpoint, now: now) < Self.hostCopies * size
            && networks.amount(of: endpoint.prefix, now: now) < Self.networkCopies * size
    }

    /// Whether a request that has just come may be answered before those that wait.
    func mayServeAtOnce(_ endpoint: Endpoint, size: Int, now: Instant) -> Bool {
        hasHadLittle(endpoint, size: size, now: now) ? credit > -Self.reserve : credit > 0 && repeatCredit > 0
    }

    /// Whether a request that waits may be answered now.
    func mayServe(_ endpoint: Endpoint, size: Int, now: Instant) -> Bool {
        credit > 0 && (repeatCredit > 0 || hasHadLittle(endpoint, size: size, now: now))
    }

    mutating func wait(_ peer: PeerHandle) { waiting.append(peer) }
    mutating func left(_ peer: PeerHandle) { if !waiting.isEmpty { waiting.remove(peer) } }

    mutating func served(_ bytes: Int, to endpoint: Endpoint, size: Int, now: Instant) {
        credit -= bytes
        if !hasHadLittle(endpoint, size: size, now: now) { repeatCredit -= bytes }
        hosts.add(bytes, to: endpoint, now: now)
        networks.add(bytes, to: endpoint.prefix, now: now)
    }

    /// What orders those that wait.
    func rank(of endpoint: Endpoint, size: Int, now: Instant) -> (Int, Int) {
        (hasHadLittle(endpoint, size: size, now: now) ? 0 : 1, hosts.amount(of: endpoint, now: now))
    }
}
