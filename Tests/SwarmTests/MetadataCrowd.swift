import Digest
import PeerProtocol
import Primitives
import Swarm

/// A metadata race on a virtual clock, with peers that behave in given ways.
struct MetadataCrowd {
    enum Behaviour {
        /// Answers after so long.
        case honest(Duration)
        case silent
        /// Rejects each request after so long.
        case rejects(Duration)
        /// Gives wrong pieces, each after so long.
        case lies(Duration)
        /// Gives one right piece, and then nothing.
        case givesOnce
        /// Offers another size than the right one, and gives all but the last piece of it.
        case claims(Int)
    }

    private struct Peer {
        let handle: PeerHandle
        let behaviour: Behaviour
        var requestCount = 0
        var isGone = false
    }

    private struct Answer {
        let at: Instant
        let peer: Int
        let piece: Int
    }

    let metadata: [UInt8]
    private(set) var race: MetadataRace
    private(set) var now = Instant.origin
    private(set) var liars: [PeerHandle] = []
    private(set) var heldBytesMax = 0
    private var peers: [Peer] = []
    private var answers: [Answer] = []

    init(byteCount: Int, configure: (inout Swarm.Configuration) -> Void = { _ in }) {
        var generator = SeededGenerator(number: 3)
        metadata = generator.bytes(count: byteCount)
        var configuration = Swarm.Configuration()
        configure(&configuration)
        race = MetadataRace(infoHash: SHA1.hash(metadata), configuration: configuration)
    }

    mutating func add(_ behaviour: Behaviour, count: Int = 1) {
        for _ in 0..<count {
            let handle = PeerHandle(rawValue: peers.count + 1)
            peers.append(Peer(handle: handle, behaviour: behaviour))
            let size = if case .claims(let size) = behaviour { size } else { metadata.count }
            _ = race.offered(size: size, by: handle)
            ask(peers.count - 1)
        }
    }

    /// The most requests that one peer has got.
    var requestsMax: Int { peers.map(\.requestCount).max() ?? 0 }

    /// A peer's second offer.
    mutating func offerAgain(_ peer: Int, size: Int) { _ = race.offered(size: size, by: peers[peer].handle) }

    /// Runs until the metadata is complete; all of `duration` when it is not by then.
    @discardableResult
    mutating func run(for duration: Duration) -> Duration {
        let (start, end) = (now, now + duration)
        while now < end {
            now = now + .milliseconds(10)
            if now.nanoseconds % 500_000_000 == 0 {
                race.timedOut(now: now)
                for peer in peers.indices { ask(peer) }
            }
            let due = answers.filter { $0.at <= now }
            answers.removeAll { $0.at <= now }
            for answer in due where carryOut(answer) { return now - start }
        }
        return duration
    }

    private mutating func ask(_ peer: Int) {
        guard !peers[peer].isGone else { return }
        for piece in race.requests(for: peers[peer].handle, now: now) {
            peers[peer].requestCount += 1
            let delay: Duration? =
                switch peers[peer].behaviour {
                case .silent: nil
                case .honest(let delay), .rejects(let delay), .lies(let delay): delay
                case .givesOnce: peers[peer].requestCount == 1 ? .milliseconds(10) : nil
                case .claims(let size): (piece + 1) * MetadataMessage.pieceLength < size ? .milliseconds(10) : nil
                }
            if let delay { answers.append(Answer(at: now + delay, peer: peer, piece: piece)) }
        }
    }

    /// Returns whether the metadata is complete.
    private mutating func carryOut(_ answer: Answer) -> Bool {
        let (handle, piece) = (peers[answer.peer].handle, answer.piece)
        guard !peers[answer.peer].isGone else { return false }
        var payload = Array(metadata.dropFirst(piece * MetadataMessage.pieceLength).prefix(MetadataMessage.pieceLength))
        switch peers[answer.peer].behaviour {
        case .rejects:
            race.rejected(piece: piece, by: handle, now: now)
            return false
        case .lies: payload = payload.map { ~$0 }
        case .claims: payload = Array(repeating: 1, count: MetadataMessage.pieceLength)
        default: break
        }
        let outcome = race.received(piece: piece, payload: payload, from: handle, now: now)
        heldBytesMax = max(heldBytesMax, race.heldBytes)
        switch outcome {
        case .complete(let bytes): return bytes == metadata
        case .mismatch(_, let liar):
            if let liar { dismiss(liar) }
            for peer in peers.indices { ask(peer) }
        case .needsMore: ask(answer.peer)
        case .ignored: break
        }
        return false
    }

    private mutating func dismiss(_ liar: PeerHandle) {
        liars.append(liar)
        peers[liar.rawValue - 1].isGone = true
        race.left(liar)
    }

    /// Whether any peer that answers truthfully was taken for a liar.
    var hasBlamedTheHonest: Bool {
        liars.contains { if case .honest = peers[$0.rawValue - 1].behaviour { true } else { false } }
    }
}
