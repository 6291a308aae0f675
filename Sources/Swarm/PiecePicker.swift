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
    /// Pieces that failed with several givers: the next attempt has one, so that it shows which peer lies.
    var suspicious: Set<Int> = []
    /// Those of them that wait for a peer that has proved itself, since when; in no other table of waiting pieces.
    var suspects: OrderedDictionary<Int, Instant> = [:]
    var freeBlockCount = 0
    /// Blocks that were asked of doubted peers only.
    var doubtfulBlockCount = 0
    private let order: Order
    private let hasPadding: Bool
    /// No piece before this one is missing.
    private var firstMissing = 0
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

    /// Which peers gave a piece.
    package struct Gift: Equatable, Sendable {
        /// Once each, in the order of their first block.
        package var contributors: [PeerHandle] = []
        /// Of each block; nil where none was needed.
        package var givers: [PeerHandle?] = []
        /// Where they were; only looked up.
        package var endpoints: [PeerHandle: Endpoint] = [:]
    }

    /// What may be asked of one peer.
    package struct Asker {
        package let peer: PeerHandle
        /// Without those that it is not to be asked for.
        package let pieces: Bitfield
        /// It gives a piece in so short a time that no other need help.
        package var isFast = false
        /// It has given pieces that were right, or no other peer has: it may be given a suspect alone.
        package var mayTakeSuspects = false

        package init(_ peer: PeerHandle, having pieces: Bitfield) {
            self.peer = peer
            self.pieces = pieces
        }
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
    /// Nothing is left to begin and every block is asked of a peer.
    package var isEndGame: Bool {
        index.waitingCount == 0 && suspects.isEmpty && freeBlockCount == 0 && !begun.isEmpty
    }
    /// Whether any block may be asked of another peer than before.
    package var hasWork: Bool {
        freeBlockCount > 0 || doubtfulBlockCount > 0 || index.waitingCount > 0 || !suspects.isEmpty
    }
    package var hasDoubtful: Bool { doubtfulBlockCount > 0 }
    package var isSequential: Bool { order == .sequential }

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

    /// Returns how the peer is counted, which `peerLeft` must be told.
    package mutating func peerJoined(having pieces: Bitfield) -> AvailabilityIndex.Counting {
        generation += 1
        return index.peerJoined(having: pieces)
    }

    package mutating func peerLeft(having pieces: Bitfield, counted counting: AvailabilityIndex.Counting) {
        index.peerLeft(having: pieces, counted: counting)
    }

    /// A peer that is counted has `piece` as well.
    package mutating func peerGained(_ piece: Int) { index.peerGained(piece) }

    // MARK: Picking

    /// Appends up to `count` blocks to ask of a peer.
    ///
    /// `current` is the piece that the peer works at. A fast peer does whole pieces, so that a slow one does not keep
    /// its pieces from being whole, and the few that have a piece are not asked for parts of one that many have.
    package mutating func pick(
        _ count: Int, for asker: Asker, current: inout Int?, now: Instant, using generator: inout SeededGenerator,
        into blocks: inout [BlockRequest]
    ) {
        let end = blocks.count + count
        if let piece = current, asker.pieces[piece] { take(from: piece, for: asker, until: end, into: &blocks) }
        if asker.mayTakeSuspects, !suspects.isEmpty {
            takeSuspects(for: asker, current: &current, until: end, now: now, into: &blocks)
        }
        resume(for: asker, current: &current, until: end, into: &blocks) { piece in
            asker.isFast ? piece.owner == nil : !piece.isFast
        }
        while blocks.count < end, let piece = nextPiece(in: asker.pieces, using: &generator) {
            begin(piece, isFast: asker.isFast, now: now)
            take(from: piece, for: asker, until: end, into: &blocks)
            current = piece
        }
        resume(for: asker, current: &current, until: end, into: &blocks) { _ in true }
    }

    /// Appends up to `count` blocks that were asked of doubted peers only.
    package mutating func pickDoubtful(
        _ count: Int, for asker: Asker, outstanding: OutstandingRequests, into blocks: inout [BlockRequest]
    ) {
        let end = blocks.count + count
        for position in begun.values.indices where begun.values[position].doubtfulCount > 0 {
            guard blocks.count < end else { return }
            duplicate(position, for: asker, outstanding: outstanding, until: end, into: &blocks) {
                $0.isDoubtful($1)
            }
        }
    }

    /// The end game: appends up to `count` blocks that are on their way from fewer than `copies` peers that are not
    /// doubted, and not from the one that is asked, which owes us `outstanding`.
    package mutating func duplicate(
        _ count: Int, for asker: Asker, copies: Int, outstanding: OutstandingRequests,
        into blocks: inout [BlockRequest]
    ) {
        let end = blocks.count + count
        for position in begun.values.indices {
            guard blocks.count < end else { return }
            duplicate(position, for: asker, outstanding: outstanding, until: end, into: &blocks) {
                $0.mayDuplicate($1, atMost: copies)
            }
        }
    }

    /// The same for the next few pieces in the order of the torrent, if they were begun before `time`.
    package mutating func duplicateFront(
        _ count: Int, for asker: Asker, begunBefore time: Instant, outstanding: OutstandingRequests,
        into blocks: inout [BlockRequest]
    ) {
        let end = blocks.count + count
        while firstMissing < missing.count, !missing[firstMissing] { firstMissing += 1 }
        guard firstMissing < missing.count else { return }
        for piece in missing.common(with: missing, from: firstMissing).prefix(Self.frontPieces) {
            guard let position = begun.index(forKey: piece), begun.values[position].begunAt < time else { continue }
            duplicate(position, for: asker, outstanding: outstanding, until: end, into: &blocks) {
                $0.mayDuplicate($1, atMost: Self.frontCopies)
            }
        }
    }

    /// Pieces that a reader of the torrent needs next.
    private static let frontPieces = 4
    /// How many peers that are not doubted are asked for a block of theirs that is late.
    private static let frontCopies = 2

    private mutating func duplicate(
        _ position: Int, for asker: Asker, outstanding: OutstandingRequests, until end: Int,
        into blocks: inout [BlockRequest], where fits: (PieceProgress, Int) -> Bool
    ) {
        let piece = begun.keys[position]
        guard asker.pieces[piece], mayWork(at: position, asker) else { return }
        let doubtful = begun.values[position].doubtfulCount
        for block in 0..<begun.values[position].count {
            guard blocks.count < end else { break }
            guard fits(begun.values[position], block) else { continue }
            let request = request(piece: piece, block: block)
            guard !outstanding.contains(request) else { continue }
            begun.values[position].duplicate(block)
            blocks.append(request)
        }
        doubtfulBlockCount += begun.values[position].doubtfulCount - doubtful
    }

    /// Whether a peer may be asked for blocks of a piece that was begun: a suspect is one peer's alone.
    private func mayWork(at position: Int, _ asker: Asker) -> Bool {
        guard !suspicious.isEmpty, suspicious.contains(begun.keys[position]) else { return true }
        let owner = begun.values[position].owner
        return owner == asker.peer || owner == nil && asker.mayTakeSuspects
    }

    private mutating func takeSuspects(
        for asker: Asker, current: inout Int?, until end: Int, now: Instant, into blocks: inout [BlockRequest]
    ) {
        for piece in Array(suspects.keys) where blocks.count < end && asker.pieces[piece] {
            suspects.removeValue(forKey: piece)
            begin(piece, isFast: asker.isFast, now: now)
            take(from: piece, for: asker, until: end, into: &blocks)
            current = piece
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
        for asker: Asker, current: inout Int?, until end: Int, into blocks: inout [BlockRequest],
        where fits: (PieceProgress) -> Bool
    ) {
        guard freeBlockCount > 0 else { return }
        for position in begun.values.indices where blocks.count < end {
            let piece = begun.keys[position]
            guard begun.values[position].freeCount > 0, asker.pieces[piece], fits(begun.values[position]) else {
                continue
            }
            if take(from: piece, for: asker, until: end, into: &blocks) { current = piece }
        }
    }

    private mutating func begin(_ piece: Int, isFast: Bool, now: Instant) {
        index.remove(piece)
        var progress = PieceProgress(length: length(ofPiece: piece), isFast: isFast, now: now)
        if hasPadding { progress.skip(paddingBlocks(of: piece)) }
        freeBlockCount += progress.freeCount
        begun[piece] = progress
    }

    /// False if the piece is another's to give.
    @discardableResult
    private mutating func take(
        from piece: Int, for asker: Asker, until end: Int, into blocks: inout [BlockRequest]
    ) -> Bool {
        guard let position = begun.index(forKey: piece), mayWork(at: position, asker) else { return false }
        if begun.values[position].owner == nil { begun.values[position].owner = asker.peer }
        while blocks.count < end, let block = begun.values[position].takeFree() {
            freeBlockCount -= 1
            blocks.append(request(piece: piece, block: block))
        }
        return true
    }

    func request(piece: Int, block: Int) -> BlockRequest {
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
