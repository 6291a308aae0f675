import OrderedCollections
package import PeerProtocol
import Primitives

/// What became of the blocks that were asked for, and of the pieces that they made.
extension PiecePicker {
    package enum Receipt: Equatable {
        /// It was here already, or its piece was.
        case duplicate
        /// `others`: it was asked of other peers too, which should be told.
        case needed(others: Bool, completesPiece: Bool)
    }

    /// Whether another peer may be asked in place of the one that was.
    package func mayMove(_ block: BlockRequest) -> Bool { !suspicious.contains(block.piece) && isWanted(block) }

    /// Whether the block's bytes are still wanted.
    package func isWanted(_ block: BlockRequest) -> Bool {
        guard let position = begun.index(forKey: block.piece) else { return false }
        return !begun.values[position].isReceived(block.offset / BlockRequest.usualLength)
    }

    /// Some bytes of the block have gone to the storage, where the first copy counts even if no more of it comes.
    package mutating func touched(_ block: BlockRequest, by peer: PeerHandle) {
        guard let position = begun.index(forKey: block.piece) else { return }
        begun.values[position].contributed(peer, to: block.offset / BlockRequest.usualLength)
    }

    /// All of a block has gone to the storage.
    package mutating func received(_ block: BlockRequest, from peer: PeerHandle) -> Receipt {
        guard let position = begun.index(forKey: block.piece) else { return .duplicate }
        let number = block.offset / BlockRequest.usualLength
        guard let receipt = begun.values[position].received(number, from: peer) else { return .duplicate }
        if receipt.wasFree { freeBlockCount -= 1 }
        guard begun.values[position].isWhole else {
            return .needed(others: receipt.wasDuplicated, completesPiece: false)
        }
        verifying[block.piece] = begun.values[position].gift
        begun.remove(at: position)
        return .needed(others: receipt.wasDuplicated, completesPiece: true)
    }

    /// A peer will not deliver these blocks, or not soon: others may be asked.
    package mutating func abandoned(_ blocks: some Sequence<BlockRequest>) {
        var isMore = false
        for block in blocks {
            guard let position = begun.index(forKey: block.piece) else { continue }
            if begun.values[position].release() { isMore = true }
            guard begun.values[position].abandon(block.offset / BlockRequest.usualLength) else { continue }
            freeBlockCount += 1
            isMore = true
        }
        if isMore { generation += 1 }
    }

    /// A peer that is gone, chokes us or went silent works at nothing any more.
    package mutating func released(by peer: PeerHandle) {
        var isMore = false
        for position in begun.values.indices where begun.values[position].owner == peer {
            if begun.values[position].release() { isMore = true }
        }
        if isMore { generation += 1 }
    }

    /// The storage has the piece on record.
    ///
    /// Returns who gave it; nil if it was known already.
    package mutating func verified(_ piece: Int) -> Gift? {
        let gift = takeGift(of: piece)
        suspicious.remove(piece)
        guard !have[piece] else { return nil }
        have[piece] = true
        missing[piece] = false
        return gift
    }

    /// The piece failed its hash and is to be fetched again.
    ///
    /// Returns who gave it.
    package mutating func failed(_ piece: Int) -> Gift {
        let gift = takeGift(of: piece)
        if missing[piece] { index.insert(piece) }
        if gift.contributors.count > 1 { suspicious.insert(piece) }
        generation += 1
        return gift
    }

    /// Who gave a piece that the storage has judged: it need not wait for padding that has not come (BEP 47).
    private mutating func takeGift(of piece: Int) -> Gift {
        if let gift = verifying.removeValue(forKey: piece) { return gift }
        guard let position = begun.index(forKey: piece) else { return Gift() }
        defer { begun.remove(at: position) }
        freeBlockCount -= begun.values[position].freeCount
        // The end game may begin with this.
        generation += 1
        return begun.values[position].gift
    }
}
