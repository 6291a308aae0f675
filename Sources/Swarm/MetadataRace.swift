import Digest
import OrderedCollections
import PeerProtocol
package import Primitives

/// Collects the info dictionary from many peers at once (BEP 9), trusting none.
///
/// A peer that answers is preferred to one that only offers:
/// - Each advertised size has an assembly of its own, so that a false size spoils no other.
/// - A new peer is asked for a piece at once, however many silent peers have offers. A request that a silent peer holds
///   never keeps a peer that answers from being asked for the same piece.
/// - A peer that does not answer or refuses is left alone for a while that doubles, and is asked for one piece then.
/// - When an assembly of several peers fails its hash, each peer gets an assembly of its own: a wrong one has one
///   culprit, and costs the others nothing.
///
/// A piece costs work in proportion to the number of pieces at most, and a reject costs constant work. Memory grows
/// with what arrives, up to a limit: then assemblies that wait for a piece go, and those that have cost the most.
package struct MetadataRace {
    private let infoHash: InfoHash
    private let configuration: Swarm.Configuration
    /// By advertised size, in the order of their appearance.
    private var assemblies: OrderedDictionary<Int, SharedMetadata> = [:]
    private var offers: OrderedDictionary<PeerHandle, MetadataOffer> = [:]
    /// Bytes of all pieces held.
    package private(set) var heldBytes = 0
    /// Assemblies dropped because `metadataHeldBytesMax` was reached.
    package private(set) var evictionCount = 0

    package init(infoHash: InfoHash, configuration: Swarm.Configuration) {
        self.infoHash = infoHash
        self.configuration = configuration
    }

    package var offerCount: Int { offers.count }

    /// A peer says that it has `size` bytes of metadata.
    ///
    /// The first offer of a connection counts; later ones change nothing. Returns false for an impossible size.
    package mutating func offered(size: Int, by peer: PeerHandle) -> Bool {
        guard size > 0, size <= configuration.metadataBytesMax else { return false }
        guard offers[peer] == nil else { return true }
        offers[peer] = MetadataOffer(size: size)
        assemblies[size, default: SharedMetadata(size: size)].peerCount += 1
        return true
    }

    /// The pieces to ask of `peer` now.
    package mutating func requests(for peer: PeerHandle, now: Instant) -> [Int] {
        guard let place = offers.index(forKey: peer), offers.values[place].restsUntil <= now,
            let index = assemblies.index(forKey: offers.values[place].size)
        else { return [] }
        let window = offers.values[place].failures > 0 ? 1 : configuration.metadataRequestsPerPeerMax
        let room = window - offers.values[place].pending.count
        guard room > 0 else { return [] }
        guard assemblies.values[index].isSeparate else { return sharedRequests(room, place, index, now: now) }
        if !offers.values[place].hasTurn {
            guard assemblies.values[index].turnCount < turnsMax(ofSize: offers.values[place].size) else { return [] }
            beginTurn(place, index, now: now)
        }
        return offers.values[place].ownRequests(room, now: now)
    }

    private mutating func sharedRequests(_ room: Int, _ place: Int, _ index: Int, now: Instant) -> [Int] {
        let isGiver = offers.values[place].isGiver
        let chosen = assemblies.values[index].choose(room, for: offers.values[place])
        for piece in chosen {
            // A peer that has failed holds no piece against others.
            let isCounted = offers.values[place].failures == 0
            if isCounted { assemblies.values[index].asked(piece, isGiver: isGiver) }
            offers.values[place].pending.append(.init(piece: piece, sentAt: now, isCounted: isCounted))
        }
        return chosen
    }

    /// Whether the peer was asked for this piece and has not answered.
    package func expects(piece: Int, from peer: PeerHandle) -> Bool { offers[peer]?.expects(piece) ?? false }

    package enum Outcome: Equatable {
        /// Not asked for, or of the wrong size.
        case ignored
        case needsMore
        /// The bytes hash to the infohash.
        case complete([UInt8])
        /// The bytes are whole and wrong; `liar` gave all of them, if it was one peer.
        case mismatch(contributors: [PeerHandle], liar: PeerHandle?)
    }

    package mutating func received(piece: Int, payload: [UInt8], from peer: PeerHandle, now: Instant) -> Outcome {
        guard let place = offers.index(forKey: peer), offers.values[place].expects(piece),
            let index = assemblies.index(forKey: offers.values[place].size)
        else { return .ignored }
        settle(piece, place, index)
        guard payload.count == assemblies.values[index].length(of: piece) else {
            failed(place, index, now: now)
            return .ignored
        }
        answered(place, index, now: now)
        if assemblies.values[index].isSeparate {
            heldBytes += offers.values[place].keep(payload, as: piece)
            makeRoom(now: now)
            guard let bytes = offers.values[place].whole else { return .needsMore }
            return SHA1.hash(bytes) == infoHash ? .complete(bytes) : .mismatch(contributors: [peer], liar: peer)
        }
        heldBytes += assemblies.values[index].keep(payload, as: piece, from: peer, now: now)
        makeRoom(now: now)
        guard let bytes = assemblies.values[index].whole else { return .needsMore }
        return SHA1.hash(bytes) == infoHash ? .complete(bytes) : mismatch(index)
    }

    /// The peer will not give this piece; it is left alone for a while.
    package mutating func rejected(piece: Int, by peer: PeerHandle, now: Instant) {
        guard let place = offers.index(forKey: peer), offers.values[place].expects(piece),
            let index = assemblies.index(forKey: offers.values[place].size)
        else { return }
        settle(piece, place, index)
        failed(place, index, now: now)
    }

    package mutating func left(_ peer: PeerHandle) {
        guard let place = offers.index(forKey: peer) else { return }
        if let index = assemblies.index(forKey: offers.values[place].size) {
            for request in offers.values[place].pending where request.isCounted {
                assemblies.values[index].unasked(request.piece, isGiver: offers.values[place].isGiver)
            }
            endTurn(place, index, now: nil)
            assemblies.values[index].peerCount -= 1
            if assemblies.values[index].peerCount == 0 {
                heldBytes -= assemblies.values[index].heldBytes
                assemblies.remove(at: index)
            }
        }
        heldBytes -= offers.values[place].heldBytes
        offers.remove(at: place)
    }

    /// Lets others be asked for what is late, and peers have their turns.
    package mutating func timedOut(now: Instant) {
        for place in offers.values.indices {
            guard !offers.values[place].pending.isEmpty,
                let index = assemblies.index(forKey: offers.values[place].size)
            else { continue }
            expire(place, index, now: now)
        }
        for index in assemblies.values.indices where assemblies.values[index].isSeparate {
            takeTurns(index, now: now)
        }
    }
}

/// What peers are known for.
extension MetadataRace {
    private mutating func answered(_ place: Int, _ index: Int, now: Instant) {
        offers.values[place].lastPieceAt = now
        guard !offers.values[place].isGiver else { return }
        // What it was asked for beside this one counts as held by a peer that answers from now on.
        for request in offers.values[place].pending where request.isCounted {
            assemblies.values[index].unasked(request.piece, isGiver: false)
            assemblies.values[index].asked(request.piece, isGiver: true)
        }
        offers.values[place].answered()
    }

    private mutating func failed(_ place: Int, _ index: Int, now: Instant) {
        for request in offers.values[place].pending.indices where offers.values[place].pending[request].isCounted {
            release(request, place, index)
        }
        endTurn(place, index, now: now)
        offers.values[place].failed(now: now, restMax: configuration.metadataRestMax)
    }

    /// The request is answered.
    private mutating func settle(_ piece: Int, _ place: Int, _ index: Int) {
        guard let request = offers.values[place].pending.firstIndex(where: { $0.piece == piece }) else {
            offers.values[place].late.remove(piece)
            return
        }
        if offers.values[place].pending[request].isCounted { release(request, place, index) }
        offers.values[place].pending.remove(at: request)
    }

    /// From now on the request keeps no other peer from being asked.
    private mutating func release(_ request: Int, _ place: Int, _ index: Int) {
        offers.values[place].pending[request].isCounted = false
        assemblies.values[index].unasked(
            offers.values[place].pending[request].piece, isGiver: offers.values[place].isGiver)
    }

    private mutating func expire(_ place: Int, _ index: Int, now: Instant) {
        var isLate = false
        for request in offers.values[place].pending.indices {
            let age = now - offers.values[place].pending[request].sentAt
            if age >= configuration.metadataHedgeDelay, offers.values[place].pending[request].isCounted {
                release(request, place, index)
            }
            if age >= configuration.metadataRequestTimeout { isLate = true }
        }
        guard isLate else { return }
        offers.values[place].giveUp(sentBefore: now - configuration.metadataRequestTimeout)
        failed(place, index, now: now)
    }
}

/// Assemblies of single peers, after a mismatch.
extension MetadataRace {
    /// How many peers of one size are asked at once: as many as their bytes may be held of.
    private func turnsMax(ofSize size: Int) -> Int {
        max(1, min(configuration.metadataTurnsMax, configuration.metadataHeldBytesMax / size))
    }

    private mutating func mismatch(_ index: Int) -> Outcome {
        let size = assemblies.values[index].size
        let gifts = assemblies.values[index].takeGifts()
        heldBytes -= size
        var contributors: [PeerHandle] = []
        for gift in gifts where contributors.last != gift.peer && !contributors.contains(gift.peer) {
            contributors.append(gift.peer)
        }
        if contributors.count == 1 { return .mismatch(contributors: contributors, liar: contributors[0]) }
        assemblies.values[index].isSeparate = true
        for place in offers.values.indices where offers.values[place].size == size {
            for request in offers.values[place].pending.indices {
                offers.values[place].pending[request].isCounted = false
            }
        }
        for gift in gifts {
            guard let place = offers.index(forKey: gift.peer) else { continue }
            heldBytes += offers.values[place].keep(gift.bytes, as: gift.piece)
        }
        return .mismatch(contributors: contributors, liar: nil)
    }

    private mutating func beginTurn(_ place: Int, _ index: Int, now: Instant) {
        offers.values[place].hasTurn = true
        offers.values[place].turnChangedAt = now
        offers.values[place].lastPieceAt = now
        assemblies.values[index].turnCount += 1
    }

    private mutating func endTurn(_ place: Int, _ index: Int, now: Instant?) {
        guard offers.values[place].hasTurn else { return }
        offers.values[place].hasTurn = false
        if let now { offers.values[place].turnChangedAt = now }
        assemblies.values[index].turnCount -= 1
    }

    /// Peers that wait take the turns of those that are silent or have had theirs; what a peer gave is kept.
    private mutating func takeTurns(_ index: Int, now: Instant) {
        let size = assemblies.values[index].size
        let ofSize = offers.values.indices.filter { offers.values[$0].size == size }
        var waiting = ofSize.filter { !offers.values[$0].hasTurn && offers.values[$0].restsUntil <= now }
        let room = turnsMax(ofSize: size) - assemblies.values[index].turnCount
        guard !waiting.isEmpty else { return }
        waiting.sort { (offers.values[$0].turnChangedAt, $0) < (offers.values[$1].turnChangedAt, $1) }
        let over = ofSize.filter { place in
            let offer = offers.values[place]
            return offer.hasTurn
                && (now - offer.turnChangedAt >= configuration.metadataTurnTime
                    || now - offer.lastPieceAt >= configuration.metadataTurnSilence)
        }.sorted { (offers.values[$0].turnChangedAt, $0) < (offers.values[$1].turnChangedAt, $1) }
        for place in over.prefix(max(0, waiting.count - room)) {
            offers.values[place].giveUp(sentBefore: now)
            endTurn(place, index, now: now)
        }
        let free = max(0, turnsMax(ofSize: size) - assemblies.values[index].turnCount)
        for place in waiting.prefix(free) { beginTurn(place, index, now: now) }
    }

    /// Drops assemblies until the rest is within the limit: first those that wait for a piece, then the largest.
    ///
    /// Their peers are left alone for a while, so that no more are asked than what they give can be held of.
    private mutating func makeRoom(now: Instant) {
        while heldBytes > configuration.metadataHeldBytesMax {
            let limit = now - configuration.metadataTurnSilence
            let offer = offers.values.indices.filter { offers.values[$0].heldBytes > 0 }
                .map { Claim($0, offers.values[$0].lastPieceAt, offers.values[$0].receivedBytes, limit) }.min()
            let assembly = assemblies.values.indices.filter { assemblies.values[$0].heldBytes > 0 }
                .map { Claim($0, assemblies.values[$0].lastPieceAt, assemblies.values[$0].receivedBytes, limit) }.min()
            evictionCount += 1
            if let assembly, offer.map({ assembly <= $0 }) ?? true {
                evictAssembly(assembly.index, now: now)
            } else if let offer {
                heldBytes -= offers.values[offer.index].dropPieces()
                let index = assemblies.index(forKey: offers.values[offer.index].size)
                if let index { failed(offer.index, index, now: now) }
            } else {
                return
            }
        }
    }

    private mutating func evictAssembly(_ index: Int, now: Instant) {
        heldBytes -= assemblies.values[index].dropPieces()
        let size = assemblies.values[index].size
        for place in offers.values.indices where offers.values[place].size == size {
            failed(place, index, now: now)
        }
    }
}

/// What an assembly has on being kept; the least goes first.
private struct Claim: Comparable {
    let index: Int
    /// When its last piece came; nil when that is not long ago.
    private let waitsSince: Instant?
    private let receivedBytes: Int

    init(_ index: Int, _ lastPieceAt: Instant, _ receivedBytes: Int, _ limit: Instant) {
        self.index = index
        waitsSince = lastPieceAt <= limit ? lastPieceAt : nil
        self.receivedBytes = receivedBytes
    }

    static func < (left: Claim, right: Claim) -> Bool {
        switch (left.waitsSince, right.waitsSince) {
        case (let left?, let right?): left < right
        case (nil, nil): left.receivedBytes > right.receivedBytes
        case (let left, _): left != nil
        }
    }
}
