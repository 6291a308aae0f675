import OrderedCollections
import Primitives

/// Who is given the metadata, and how much of it: hosts that had the least go first.
///
/// Metadata is small beside the content, and a peer that asks for it over and over, on one connection or on many, must
/// not take the link. So there is a credit, which grows with time or, under an upload limit, with each portion. A host
/// that has had little so far may use all of it and a reserve; the others leave half of it alone.
struct MetadataUpload {
    /// Peers with requests that wait, in the order in which they came.
    private(set) var waiting: OrderedSet<PeerHandle> = []
    private(set) var credit: Int
    private var refilledAt: Instant
    private var hosts: HostLedger
    private var networks: HostLedger

    /// The credit while there is no upload limit, in bytes per second and at most: a 64th of what a core sends.
    private static let bytesPerSecond = 8 << 20
    private static let creditMax = 4 << 20
    /// The same with a limit.
    private static let limitedCreditMax = 256 << 10
    /// What hosts that had little may take beyond the credit.
    private static let reserve = 64 << 10
    /// Of a portion, the metadata may take one in so many bytes.
    private static let portionShare = 2
    /// A host has had little until it was given the metadata so often, a network (/24, /56) so often.
    private static let hostCopies = 2
    private static let networkCopies = 32
    private static let hostsMax = 4_096
    private static let halfLife: Duration = .seconds(300)

    init(now: Instant) {
        credit = Self.limitedCreditMax
        refilledAt = now
        hosts = HostLedger(hostsMax: Self.hostsMax, halfLife: Self.halfLife)
        networks = HostLedger(hostsMax: Self.hostsMax, halfLife: Self.halfLife)
    }

    /// Without an upload limit.
    mutating func refill(now: Instant) {
        let bytes = (now - refilledAt).inSeconds * Double(Self.bytesPerSecond)
        guard bytes >= 1 else { return }
        refilledAt = now
        credit = min(Self.creditMax, credit + Int(min(bytes, Double(Self.creditMax))))
    }

    /// With one.
    mutating func portionCame(_ bytes: Int) {
        credit = min(Self.limitedCreditMax, credit + bytes / Self.portionShare)
    }

    func hasHadLittle(_ endpoint: Endpoint, size: Int, now: Instant) -> Bool {
        hosts.amount(of: endpoint, now: now) < Self.hostCopies * size
            && networks.amount(of: endpoint.prefix, now: now) < Self.networkCopies * size
    }

    /// Whether a request that has just come may be answered before those that wait.
    func mayServeAtOnce(_ endpoint: Endpoint, size: Int, isLimited: Bool, now: Instant) -> Bool {
        if hasHadLittle(endpoint, size: size, now: now) { return credit > -Self.reserve }
        return credit > (isLimited ? Self.limitedCreditMax : Self.creditMax) / 2
    }

    mutating func wait(_ peer: PeerHandle) { waiting.append(peer) }
    mutating func left(_ peer: PeerHandle) { if !waiting.isEmpty { waiting.remove(peer) } }

    mutating func served(_ bytes: Int, to endpoint: Endpoint, now: Instant) {
        credit -= bytes
        hosts.add(bytes, to: endpoint, now: now)
        networks.add(bytes, to: endpoint.prefix, now: now)
    }

    /// What orders those that wait.
    func rank(of endpoint: Endpoint, size: Int, now: Instant) -> (Int, Int) {
        (hasHadLittle(endpoint, size: size, now: now) ? 0 : 1, hosts.amount(of: endpoint, now: now))
    }
}
