import DequeModule
import Metainfo
import Primitives
import Swarm

/// The storage of one simulated client: counts bytes, writes them as fast as a disk does, and knows who lied.
///
/// A piece is verified when each of its bytes came from an honest host; nothing is hashed.
struct SwarmDisk {
    struct Verdict: Equatable {
        let piece: Int
        /// Nil when the piece is right; else what a storage would digest, block by block.
        let wrongBlocks: [BlockDigest]?
    }

    fileprivate struct Piece {
        var missing: Int
        /// How much of each block is there: parts of a block come in order, from whoever gives it.
        var covered: [Int]
        /// Bytes of blocks that are made up, and by whom.
        var lies: [(block: Int, range: Range<Int>, digest: BlockDigest)] = []
    }

    private let info: Info
    /// What is there when the storage is opened.
    let initial: Bitfield
    /// Bytes a tick; infinite for a disk that is never behind.
    private let bytesPerTick: Double
    /// Between the last byte of a piece on the disk and the verdict.
    private let delayTicks: Int
    /// Pieces begun; only looked up.
    private var pieces: [Int: Piece] = [:]
    /// Writes in their order, with the piece that they end.
    private var writes: Deque<(bytes: Int, piece: Int?)> = []
    private var verdicts: Deque<(tick: Int, verdict: Verdict)> = []
    private var credit = 0.0
    /// Given to the disk and not yet written.
    private(set) var backlog = 0
    private(set) var largestBacklog = 0

    init(info: Info, isFull: Bool, bytesPerTick: Double, delayTicks: Int) {
        self.info = info
        self.bytesPerTick = bytesPerTick
        self.delayTicks = delayTicks
        initial = isFull ? Bitfield(filled: info.pieceCount) : Bitfield(count: info.pieceCount)
    }

    var isSlow: Bool { bytesPerTick < .infinity }
    var isIdle: Bool { writes.isEmpty && verdicts.isEmpty }

    /// What the blocks of a right piece come to.
    func digests(of piece: Int) -> [BlockDigest] {
        Array(repeating: 0, count: (info.length(ofPiece: piece) + Self.blockLength - 1) / Self.blockLength)
    }

    fileprivate static let blockLength = 16 << 10

    /// `lie` is not 0 when the bytes are made up; each liar has its own.
    mutating func store(_ piece: Int, offset: Int, count: Int, lie: BlockDigest) {
        let length = info.length(ofPiece: piece)
        let blank = Piece(
            missing: length, covered: Array(repeating: 0, count: (length + Self.blockLength - 1) / Self.blockLength))
        let isLast = pieces[piece, default: blank].store(offset: offset, count: count, lie: lie)
        writes.append((count, isLast ? piece : nil))
        backlog += count
        largestBacklog = max(largestBacklog, backlog)
    }

    /// The bytes are to come again.
    mutating func forget(_ piece: Int, offset: Int, count: Int) {
        pieces[piece]?.forget(offset: offset)
    }

    /// One tick of writing.
    mutating func advance(to tick: Int) {
        credit = writes.isEmpty ? 0 : credit + bytesPerTick
        while let (bytes, piece) = writes.first, Double(bytes) <= credit {
            writes.removeFirst()
            credit -= Double(bytes)
            backlog -= bytes
            if let piece { verdicts.append((tick + delayTicks, verdict(piece))) }
        }
    }

    mutating func nextVerdict(at tick: Int) -> Verdict? {
        guard let first = verdicts.first, first.tick <= tick else { return nil }
        return verdicts.removeFirst().verdict
    }

    private mutating func verdict(_ piece: Int) -> Verdict {
        guard let entry = pieces.removeValue(forKey: piece), !entry.lies.isEmpty else {
            return Verdict(piece: piece, wrongBlocks: nil)
        }
        var blocks = digests(of: piece)
        for lie in entry.lies { blocks[lie.block] = blocks[lie.block] &* 31 &+ lie.digest }
        return Verdict(piece: piece, wrongBlocks: blocks)
    }
}

extension SwarmDisk.Piece {
    /// Returns true if nothing is missing any more.
    ///
    /// Bytes that were there already are overwritten.
    fileprivate mutating func store(offset: Int, count: Int, lie: BlockDigest) -> Bool {
        let (block, start) = offset.quotientAndRemainder(dividingBy: SwarmDisk.blockLength)
        let range = start..<start + count
        let new = max(0, range.upperBound - covered[block])
        covered[block] += new
        missing -= new
        if !lies.isEmpty { overwrite(range, of: block) }
        if lie != 0 { lies.append((block, range, lie)) }
        return new > 0 && missing == 0
    }

    /// From here on, the block is to come again.
    fileprivate mutating func forget(offset: Int) {
        let (block, start) = offset.quotientAndRemainder(dividingBy: SwarmDisk.blockLength)
        guard covered[block] > start else { return }
        overwrite(start..<covered[block], of: block)
        missing += covered[block] - start
        covered[block] = start
    }

    private mutating func overwrite(_ range: Range<Int>, of block: Int) {
        lies = lies.flatMap { lie in
            guard lie.block == block, lie.range.overlaps(range) else { return [lie] }
            let rests = [
                lie.range.lowerBound..<max(lie.range.lowerBound, range.lowerBound),
                min(lie.range.upperBound, range.upperBound)..<lie.range.upperBound,
            ]
            return rests.filter { !$0.isEmpty }.map { (block, $0, lie.digest) }
        }
    }
}
