package import Metainfo
import OrderedCollections
package import PeerProtocol
package import Primitives

/// Decides which block to ask of which peer (BEP 3; Cohen, "Incentives Build Robustness in BitTorrent", 2003).
///
/// Random first piece, then rarest first; pieces that were begun are finished first (strict priority), each by a peer
/// that is fast enough to do it alone, or by several that are not; in the end game, blocks that are still on their way
/// are asked of other peers too. A block is known by its place only: who was asked for it stays with the sessions, and
/// comes back through `abandoned`.
package struct PiecePicker {
    let info: Info
    /// The verified pieces.
    package internal(set) var have: Bitfield
    /// Those that are wanted and not verified.
    package internal(set) var missing: Bitfield
    var index: AvailabilityIndex
    /// Pieces begun and not yet whole, oldest first.
    var begun: OrderedDictionary<Int, PieceProgress> = [:]
    /// Pieces whole, and with the storage to be verified.
    var verifying: OrderedDictionary<Int, Gift> = [:]
    /// Pieces that failed with several givers: the next attempt has one, so that it shows who lies.
    var suspicious: Set<Int> = []
    var freeBlockCount = 0
    private let order: Order
    private let hasPadding: Bool
    /// Grows whenever there is more to begin or to resume than before: a peer for which nothing was found need not ask
    /// again until then.
    package internal(set) var generation = 0

    /// Which piece is begun next.
    package enum Order: Equatable, Sendable {
        case rarestFirst
        /// For measurements: what rarest first is worth.
        case random
        /// For whoever reads along.
        case sequential
    }

    /// Who gave a piece.
    package struct Gift: Equatable, Sendable {
        /// Once each, in the order of their first block.
        package var contributors: [PeerHandle] = []
        /// Of each block; nil where it came from two.
        package var givers: [PeerHandle?] = []
    }

    /// Without `wanted`, every piece is.
    package init(info: Info, have: Bitfield, wanted: Bitfield? = nil, order: Order = .rarestFirst) {
        self.info = info
        self.have = have
        self.order = order
        hasPadding = info.files.contains(where: \.isPadding)
        index = AvailabilityIndex(pieceCount: have.count)
        missing = (wanted ?? Bitfield(filled: have.count)).subtracting(have)
        for piece in missing.setIndices { index.insert(piece) }
    }

    package var isComplete: Bool { missing.isEmpty }
    /// Nothing is left to begin and every block is asked of somebody.
    package var isEndGame: Bool { index.waitingCount == 0 && freeBlockCount == 0 && !begun.isEmpty }

    package func length(ofPiece piece: Int) -> Int { info.length(ofPiece: piece) }

    /// Whether the piece is to be fetched.
    package func lacks(_ piece: Int) -> Bool { piece < missing.count && missing[piece] }

    /// Whether the piece exists and is verified.
    package func has(_ piece: Int) -> Bool { piece < have.count && have[piece] }

    /// Whether fewer pieces are verified.
    package func hasFewer(than count: Int) -> Bool { have.setCount < count }

    package var verifiedBytes: Int {
        guard have.count > 0 else { return 0 }
        let whole = have.setCount * info.pieceLength
        return have[have.count - 1] ? whole - info.pieceLength + length(ofPiece: have.count - 1) : whole
    }

    // MARK: What peers have

    package mutating func peerJoined(having pieces: Bitfield) {
        index.peerJoined(having: pieces)
        generation += 1
    }

    package mutating func peerLeft(having pieces: Bitfield) {
        index.peerLeft(having: pieces)
    }

    /// A peer has `piece` as well, and so has `pieces`.
    package mutating func peerGained(_ piece: Int, having pieces: Bitfield) {
        index.peerGained(piece, having: pieces)
    }

    /// A peer that had `before` will not give `piece`.
    package mutating func peerLost(_ piece: Int, before: Bitfield) {
        index.peerLost(piece, before: before)
    }

    // MARK: Picking

    /// Appends up to `count` blocks to ask of a peer that has `pieces`.
    ///
    /// `current` is the piece that the peer works at. A fast peer does whole pieces, so that a slow one does not keep
    /// its pieces from being whole, and the few who have a piece are not asked for parts of one that many have.
    package mutating func pick(
        _ count: Int, for peer: PeerHandle, having pieces: Bitfield, current: inout Int?, isFast: Bool,
        using generator: inout SeededGenerator, into blocks: inout [BlockRequest]
    ) {
        let end = blocks.count + count
        if let piece = current, pieces[piece] { take(from: piece, for: peer, until: end, into: &blocks) }
        resume(pieces, for: peer, current: &current, until: end, into: &blocks) { piece in
            isFast ? piece.owner == nil : !piece.isFast
        }
        while blocks.count < end, let piece = nextPiece(in: pieces, using: &generator) {
            begin(piece, isFast: isFast)
            take(from: piece, for: peer, until: end, into: &blocks)
            current = piece
        }
        resume(pieces, for: peer, current: &current, until: end, into: &blocks) { _ in true }
    }

    /// The end game: appends up to `count` blocks that are on their way from fewer than `copies` peers, and not from
    /// the one that is asked, who has `pieces` and owes us `outstanding`.
    package mutating func duplicate(
        _ count: Int, having pieces: Bitfield, copies: Int, outstanding: OutstandingRequests,
        into blocks: inout [BlockRequest]
    ) {
        let end = blocks.count + count
        for (position, piece) in begun.keys.enumerated() where pieces[piece] && !suspicious.contains(piece) {
            for block in 0..<begun.values[position].count {
                guard blocks.count < end else { return }
                let request = request(piece: piece, block: block)
                guard begun.values[position].mayDuplicate(block, atMost: copies), !outstanding.contains(request) else {
                    continue
                }
                begun.values[position].duplicate(block)
                blocks.append(request)
            }
        }
    }

    private mutating func nextPiece(in pieces: Bitfield, using generator: inout SeededGenerator) -> Int? {
        switch order {
        case .sequential: index.first(in: pieces)
        case .random: index.random(in: pieces, using: &generator)
        // Until there is a piece to trade, any piece does, and a common one comes sooner than a rare one.
        case .rarestFirst where have.isEmpty && begun.isEmpty: index.random(in: pieces, using: &generator)
        case .rarestFirst: index.rarest(in: pieces, using: &generator)
        }
    }

    /// Takes what is free of pieces that were begun, the oldest first.
    private mutating func resume(
        _ pieces: Bitfield, for peer: PeerHandle, current: inout Int?, until end: Int,
        into blocks: inout [BlockRequest], where fits: (PieceProgress) -> Bool
    ) {
        guard freeBlockCount > 0 else { return }
        for position in begun.values.indices where blocks.count < end {
            let piece = begun.keys[position]
            guard begun.values[position].freeCount > 0, pieces[piece], fits(begun.values[position]) else { continue }
            if take(from: piece, for: peer, until: end, into: &blocks) { current = piece }
        }
    }

    private mutating func begin(_ piece: Int, isFast: Bool) {
        index.remove(piece)
        var progress = PieceProgress(length: length(ofPiece: piece), isFast: isFast)
        if hasPadding { progress.skip(paddingBlocks(of: piece)) }
        freeBlockCount += progress.freeCount
        begun[piece] = progress
    }

    /// False if the piece is another's to give.
    @discardableResult
    private mutating func take(
        from piece: Int, for peer: PeerHandle, until end: Int, into blocks: inout [BlockRequest]
    ) -> Bool {
        guard let position = begun.index(forKey: piece) else { return false }
        if begun.values[position].owner == nil { begun.values[position].owner = peer }
        guard !suspicious.contains(piece) || begun.values[position].owner == peer else { return false }
        while blocks.count < end, let block = begun.values[position].takeFree() {
            freeBlockCount -= 1
            blocks.append(request(piece: piece, block: block))
        }
        return true
    }

    private func request(piece: Int, block: Int) -> BlockRequest {
        let offset = block * BlockRequest.usualLength
        return BlockRequest(
            piece: piece, offset: offset, length: min(BlockRequest.usualLength, length(ofPiece: piece) - offset))
    }

    /// Blocks of nothing but padding, which the storage does not need (BEP 47); none where there is nothing else.
    private func paddingBlocks(of piece: Int) -> [Int] {
        let pieceLength = length(ofPiece: piece)
        let blockCount = (pieceLength + BlockRequest.usualLength - 1) / BlockRequest.usualLength
        var blocks: [Int] = []
        var start = 0
        for span in info.spans(piece: piece, offset: 0, length: pieceLength) {
            let end = start + span.length
            let first = (start + BlockRequest.usualLength - 1) / BlockRequest.usualLength
            let last = end == pieceLength ? blockCount : end / BlockRequest.usualLength
            if info.files[span.file].isPadding, first < last { blocks += first..<last }
            start = end
        }
        return blocks.count < blockCount ? blocks : []
    }
}
