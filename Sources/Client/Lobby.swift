import DequeModule
import Kademlia
import PeerProtocol
import Primitives
import Swarm

/// Incoming connections whose handshake has not yet said which torrent they want.
struct Lobby {
    private let capacity: Int
    private let timeout: Duration
    private let peerID: PeerID
    private let encryption: EncryptionPolicy
    private let countsHosts: Bool
    private var generator: SeededGenerator
    private var guests: [PeerHandle: Guest] = [:]
    /// In order of arrival, and so of their deadlines; some may have left.
    private var arrivals: Deque<PeerHandle> = []
    private var nextHandle = 1
    /// The hosts that hold pending connections.
    private var holders = HolderTable<PeerHandle>()
    /// Key exchanges by those that asked for them, and of all.
    private var exchanges: HostBudget
    private var exchangesOfAll: HostBudget
    /// Connections that gave way because the lobby was full.
    private(set) var displacedCount = 0
    /// Connections refused because there were too many key exchanges.
    private(set) var exchangesRefusedCount = 0

    /// Hosts whose key exchanges are counted.
    private static let hostsMax = 4_096
    /// Stands for all hosts.
    private static let everything = Endpoint.v4(0, 0, 0, 0, port: 0)

    struct Guest {
        let endpoint: Endpoint
        let deadline: Instant
        var session: Session
        /// Until it is known how the guest opens, and the opening is through.
        var encryption: EncryptionHandshake?
    }

    init(_ configuration: Client.Configuration, peerID: PeerID, generator: SeededGenerator) {
        encryption = configuration.swarm.encryption
        self.generator = generator
        capacity = max(configuration.lobbyMax, 1)
        timeout = configuration.lobbyTimeout
        countsHosts = configuration.node.networkMode == .public
        exchanges = HostBudget(
            host: configuration.keyExchangesPerHost, prefix: configuration.keyExchangesPerPrefix,
            entriesMax: Self.hostsMax)
        let all = configuration.keyExchangesOfAll
        exchangesOfAll = HostBudget(host: all, prefix: all, entriesMax: 1)
        self.peerID = peerID
    }

    var count: Int { guests.count }

    var nextDeadline: Instant? { arrivals.first.flatMap { guests[$0]?.deadline } }

    /// When all places are taken, the oldest connection of the host and network that hold most gives way.
    mutating func enter(_ endpoint: Endpoint, now: Instant, into outbox: inout Swarm.Outbox) -> PeerHandle {
        if guests.count >= capacity, let oldest = holders.greediest {
            displacedCount += 1
            outbox.actions.append(.close(oldest))
            leave(oldest)
        }
        let handle = PeerHandle(rawValue: nextHandle)
        nextHandle += 1
        let session = Session(role: .responder, infoHash: nil, ourPeerID: peerID, now: now)
        guests[handle] = Guest(
            endpoint: endpoint, deadline: now + timeout, session: session,
            encryption: EncryptionHandshake(answeringBy: encryption, generator: generator.split()))
        arrivals.append(handle)
        holders.insert(handle, heldBy: endpoint)
        return handle
    }

    enum Verdict {
        /// The handshake is not whole yet.
        case wait
        /// The guest is no longer here: it is to be given to the torrent that it wants.
        case wants(InfoHash, Guest, consumed: Int)
        /// We called ourselves. Answering shows the calling side of us whom it has reached.
        case ourselves(answer: [UInt8])
        /// It speaks no BitTorrent.
        case refuse
    }

    mutating func received(_ bytes: RawSpan, from handle: PeerHandle, now: Instant) -> Verdict {
        guard var guest = guests[handle] else { return .refuse }
        let step = guest.session.received(bytes, at: 0, now: now)
        guests[handle] = guest
        switch step {
        case .needsMore: return .wait
        case .handshake(let consumed, let handshake):
            leave(handle)
            return .wants(handshake.infoHash, guest, consumed: consumed)
        case .fault(.selfConnection):
            leave(handle)
            guard let handshake = try? Handshake(bytes, at: 0) else { return .refuse }
            var answer: [UInt8] = []
            Handshake(capabilities: .extensionProtocol, infoHash: handshake.infoHash, peerID: peerID).encode(
                into: &answer)
            guest.session.ciphers.sending.apply(to: &answer)
            return .ourselves(answer: answer)
        default:
            leave(handle)
            return .refuse
        }
    }

    func isOpening(_ handle: PeerHandle) -> Bool { guests[handle]?.encryption != nil }

    /// What the first bytes of a guest were; the guest stays.
    enum Opening {
        /// The rest is to be passed again.
        case consumed(Int)
        /// It goes on with `accept`, or is refused.
        case wants(torrentKey: ID160, consumed: Int)
        /// From here on its session reads.
        case through(consumed: Int, isEncrypted: Bool)
        case refuse
    }

    mutating func openingReceived(
        _ bytes: RawSpan, at offset: Int, from handle: PeerHandle, now: Instant, sending answer: inout [UInt8]
    ) -> Opening {
        guard var guest = guests[handle], var encryption = guest.encryption else { return .refuse }
        if encryption.willExchangeKeys(bytes, at: offset), !mayExchangeKeys(with: guest.endpoint, now: now) {
            exchangesRefusedCount += 1
            return .refuse
        }
        let step = encryption.received(bytes, at: offset, sending: &answer)
        guest.encryption = encryption
        defer { guests[handle] = guest }
        switch step {
        case .needsMore: return .consumed(0)
        case .progressed(let consumed): return .consumed(consumed)
        case .torrentWanted(let consumed, let key): return .wants(torrentKey: key, consumed: consumed)
        case .finished(let consumed, let protection):
            guest.encryption = nil
            guest.session.ciphers = encryption.ciphers
            return .through(consumed: consumed, isEncrypted: protection != .plaintext)
        case .fault: return .refuse
        }
    }

    /// Whether the work of one more key exchange may be spent on this caller.
    private mutating func mayExchangeKeys(with endpoint: Endpoint, now: Instant) -> Bool {
        guard exchangesOfAll.wait(for: Self.everything, now: now) == nil,
            !countsHosts || exchanges.take(endpoint, now: now) == nil
        else { return false }
        return exchangesOfAll.take(Self.everything, now: now) == nil
    }

    mutating func accept(_ handle: PeerHandle, _ infoHash: InfoHash) {
        guests[handle]?.encryption?.accept(infoHash)
    }

    mutating func decrypt(_ bytes: inout MutableRawSpan, from handle: PeerHandle) {
        guests[handle]?.session.ciphers.receiving.apply(to: &bytes)
    }

    mutating func encrypt(_ bytes: inout MutableRawSpan, to handle: PeerHandle) {
        guests[handle]?.session.ciphers.sending.apply(to: &bytes)
    }

    mutating func leave(_ handle: PeerHandle) {
        guests[handle] = nil
        holders.remove(handle)
        while let first = arrivals.first, guests[first] == nil { arrivals.removeFirst() }
    }

    mutating func timedOut(now: Instant, into outbox: inout Swarm.Outbox) {
        while let first = arrivals.first, let guest = guests[first], guest.deadline <= now {
            outbox.actions.append(.close(first))
            leave(first)
        }
    }
}
