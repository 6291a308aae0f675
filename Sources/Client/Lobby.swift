import DequeModule
import PeerProtocol
import Primitives
import Swarm

/// Incoming connections whose handshake has not yet said which torrent they want.
struct Lobby {
    private let capacity: Int
    private let timeout: Duration
    private let peerID: PeerID
    private let encryption: EncryptionPolicy
    private var generator: SeededGenerator
    private var guests: [PeerHandle: Guest] = [:]
    /// In order of arrival, and so of their deadlines; some may have left.
    private var arrivals: Deque<PeerHandle> = []
    private var nextHandle = 1
    /// Connections turned away because the lobby was full.
    private(set) var refusedCount = 0

    struct Guest {
        let endpoint: Endpoint
        let deadline: Instant
        var session: Session
        /// Until it is known how the guest opens, and the opening is through.
        var encryption: EncryptionHandshake?
    }

    init(
        capacity: Int, timeout: Duration, peerID: PeerID, encryption: EncryptionPolicy, generator: SeededGenerator
    ) {
        self.encryption = encryption
        self.generator = generator
        self.capacity = capacity
        self.timeout = timeout
        self.peerID = peerID
    }

    var nextDeadline: Instant? { arrivals.first.flatMap { guests[$0]?.deadline } }

    mutating func enter(_ endpoint: Endpoint, now: Instant) -> PeerHandle? {
        guard guests.count < capacity else {
            refusedCount += 1
            return nil
        }
        let handle = PeerHandle(rawValue: nextHandle)
        nextHandle += 1
        let session = Session(role: .responder, infoHash: nil, ourPeerID: peerID, now: now)
        guests[handle] = Guest(
            endpoint: endpoint, deadline: now + timeout, session: session,
            encryption: EncryptionHandshake(answeringBy: encryption, generator: generator.split()))
        arrivals.append(handle)
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
        _ bytes: RawSpan, at offset: Int, from handle: PeerHandle, sending answer: inout [UInt8]
    ) -> Opening {
        guard var guest = guests[handle], var encryption = guest.encryption else { return .refuse }
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
        while let first = arrivals.first, guests[first] == nil { arrivals.removeFirst() }
    }

    mutating func timedOut(now: Instant, into outbox: inout Swarm.Outbox) {
        while let first = arrivals.first, let guest = guests[first], guest.deadline <= now {
            outbox.actions.append(.close(first))
            leave(first)
        }
    }
}
