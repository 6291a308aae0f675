import Digest
import OrderedCollections
import PeerProtocol
package import Primitives

/// Collects the info dictionary from many peers at once (BEP 9), trusting none.
///
/// Each advertised size has an assembly of its own, so that a liar can spoil its own and no other. Peers share an
/// assembly and every piece is asked of several; when a whole one fails its hash and had one contributor, that is
/// the liar; else the assembly goes on with one peer at a time until the liar shows.
package struct MetadataRace {
    /// Peers asked for the same piece at once: what the fastest answer costs.
    private static let requestsPerPieceMax = 3

    private let infoHash: InfoHash
    private let configuration: Swarm.Configuration
    /// By advertised size, in the order of their appearance.
    private var assemblies: OrderedDictionary<Int, Assembly> = [:]
    private var sizeOffered: [PeerHandle: Int] = [:]

    package init(infoHash: InfoHash, configuration: Swarm.Configuration) {
        self.infoHash = infoHash
        self.configuration = configuration
    }

    package var offerCount: Int { sizeOffered.count }

    /// A peer says that it has `size` bytes of metadata.
    ///
    /// Returns false for a size that nobody can have.
    package mutating func offered(size: Int, by peer: PeerHandle) -> Bool {
        guard size > 0, size <= configuration.metadataBytesMax else { return false }
        guard sizeOffered[peer] == nil else { return true }
        if assemblies[size] == nil {
            if assemblies.count >= configuration.metadataAssembliesMax { dropWeakest() }
            assemblies[size] = Assembly(size: size)
        }
        sizeOffered[peer] = size
        assemblies[size]?.peers.append(peer)
        return true
    }

    /// The pieces to ask of `peer` now.
    package mutating func requests(for peer: PeerHandle, now: Instant) -> [Int] {
        guard let size = sizeOffered[peer] else { return [] }
        return assemblies[size]?.requests(
            for: peer, upTo: configuration.metadataRequestsPerPeerMax, copies: Self.requestsPerPieceMax, now: now) ?? []
    }

    package enum Outcome: Equatable {
        /// Not asked for, or of the wrong size.
        case ignored
        case needsMore
        /// The bytes hash to the infohash.
        case complete([UInt8])
        /// The bytes are whole and wrong; `liar` gave all of them, if it was one peer.
        case mismatch(contributors: [PeerHandle], liar: PeerHandle?)
    }

    package mutating func received(piece: Int, payload: [UInt8], from peer: PeerHandle) -> Outcome {
        guard let size = sizeOffered[peer] else { return .ignored }
        guard assemblies[size]?.received(piece: piece, payload: payload, from: peer) == true else { return .ignored }
        guard let whole = assemblies[size]?.takeWhole() else { return .needsMore }
        guard SHA1.hash(whole.bytes) != infoHash else { return .complete(whole.bytes) }
        if whole.contributors.count == 1 {
            return .mismatch(contributors: whole.contributors, liar: whole.contributors[0])
        }
        assemblies[size]?.goExclusive()
        return .mismatch(contributors: whole.contributors, liar: nil)
    }

    /// The peer will not give this piece.
    package mutating func rejected(piece: Int, by peer: PeerHandle) {
        guard let size = sizeOffered[peer] else { return }
        assemblies[size]?.refused(piece: piece, by: peer)
    }

    package mutating func left(_ peer: PeerHandle) {
        guard let size = sizeOffered.removeValue(forKey: peer) else { return }
        assemblies[size]?.left(peer)
        if assemblies[size]?.peers.isEmpty == true { assemblies.removeValue(forKey: size) }
    }

    /// Frees what was asked longer ago than the time limit, so that others are asked.
    package mutating func timedOut(now: Instant) {
        for index in assemblies.values.indices {
            assemblies.values[index].expire(before: now - configuration.metadataRequestTimeout)
        }
    }

    private mutating func dropWeakest() {
        guard let weakest = assemblies.values.min(by: { $0.strength < $1.strength }) else { return }
        for peer in weakest.peers { sizeOffered[peer] = nil }
        assemblies.removeValue(forKey: weakest.size)
    }
}

/// The metadata of one advertised size.
///
/// Memory grows with what arrives, never with what is promised.
private struct Assembly {
    let size: Int
    /// Everybody who offers this size and has not failed it, in order of appearance.
    var peers: [PeerHandle] = []
    private var pieces: [Int: [UInt8]] = [:]
    private var pending: [Request] = []
    private var contributors: [PeerHandle] = []
    /// Pieces that a peer refused or was too slow with: asked of it again when nothing else is under way.
    private var refusals: Set<Request.Key> = []
    /// What was asked and not answered, also what is given up meanwhile: a late answer counts.
    private var asked: Set<Request.Key> = []
    /// When set, only this peer is asked, so that a wrong hash has one culprit.
    private var exclusive: PeerHandle?

    private struct Request {
        struct Key: Hashable {
            let piece: Int
            let peer: PeerHandle
        }
        let key: Key
        let sentAt: Instant
    }

    init(size: Int) {
        self.size = size
    }

    private var pieceCount: Int { (size + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength }
    /// Worth keeping: supporters first, since one liar makes progress as easily as it makes up a size.
    var strength: (Int, Int) { (peers.count, pieces.count) }

    mutating func requests(for peer: PeerHandle, upTo limit: Int, copies: Int, now: Instant) -> [Int] {
        guard exclusive == nil || exclusive == peer else { return [] }
        var room = (exclusive == nil ? limit : 1) - pending.count { $0.key.peer == peer }
        var chosen: [Int] = []
        for copy in 0..<(exclusive == nil ? copies : 1) where room > 0 {
            for piece in 0..<pieceCount where room > 0 && pieces[piece] == nil {
                let key = Request.Key(piece: piece, peer: peer)
                let askers = pending.filter { $0.key.piece == piece }
                guard askers.count <= copy, !askers.contains(where: { $0.key == key }), !chosen.contains(piece),
                    !refusals.contains(key)
                else { continue }
                chosen.append(piece)
                room -= 1
            }
        }
        for piece in chosen { asked.insert(Request.Key(piece: piece, peer: peer)) }
        pending += chosen.map { Request(key: Request.Key(piece: $0, peer: peer), sentAt: now) }
        return chosen
    }

    /// Returns whether the piece was asked of this peer and has the right length.
    ///
    /// The first copy counts.
    mutating func received(piece: Int, payload: [UInt8], from peer: PeerHandle) -> Bool {
        let key = Request.Key(piece: piece, peer: peer)
        guard asked.remove(key) != nil, exclusive ?? peer == peer else { return false }
        pending.removeAll { $0.key == key }
        refusals.remove(key)
        guard payload.count == min(MetadataMessage.pieceLength, size - piece * MetadataMessage.pieceLength) else {
            refusals.insert(key)
            return false
        }
        guard pieces[piece] == nil else { return true }
        pieces[piece] = payload
        if !contributors.contains(peer) { contributors.append(peer) }
        return true
    }

    /// All bytes, once every piece is here.
    ///
    /// The assembly is empty afterwards, ready to begin again.
    mutating func takeWhole() -> (bytes: [UInt8], contributors: [PeerHandle])? {
        guard pieces.count == pieceCount else { return nil }
        let bytes = (0..<pieceCount).flatMap { pieces[$0] ?? [] }
        defer {
            pieces = [:]
            pending = []
            asked = []
            contributors = []
        }
        return (bytes, contributors)
    }

    mutating func goExclusive() {
        exclusive = peers.first
    }

    mutating func refused(piece: Int, by peer: PeerHandle) {
        let key = Request.Key(piece: piece, peer: peer)
        guard let position = pending.firstIndex(where: { $0.key == key }) else { return }
        pending.remove(at: position)
        refusals.insert(key)
        if exclusive == peer { passOn(from: peer) }
    }

    mutating func left(_ peer: PeerHandle) {
        pending.removeAll { $0.key.peer == peer }
        asked = asked.filter { $0.peer != peer }
        if exclusive == peer { passOn(from: peer) }
        peers.removeAll { $0 == peer }
        if !peers.contains(where: { $0 == exclusive }) { exclusive = exclusive == nil ? nil : peers.first }
    }

    mutating func expire(before limit: Instant) {
        let late = pending.filter { $0.sentAt <= limit }
        for request in late { refused(piece: request.key.piece, by: request.key.peer) }
        guard pending.isEmpty else { return }
        // Nobody is left to ask, or the one whose turn it is gives nothing: everybody gets another chance.
        refusals = []
        if let exclusive { passOn(from: exclusive) }
    }

    /// The next peer's turn: it starts with nothing, since the blame must be exact.
    private mutating func passOn(from peer: PeerHandle) {
        pieces = [:]
        contributors = []
        pending.removeAll { $0.key.peer == peer }
        guard let index = peers.firstIndex(of: peer) else { return }
        exclusive = peers[(index + 1) % peers.count]
        // A full round has failed when it is the first one's turn again; refusals are forgiven for the next.
        if index + 1 == peers.count { refusals = [] }
    }
}
