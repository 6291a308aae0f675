import OrderedCollections
package import PeerProtocol
package import Primitives

/// What became of the blocks that were asked for, and of the pieces that they made.
extension PiecePicker {
    package enum Receipt: Equatable {
        /// It was here already, or its piece was.
        case duplicate
        /// `others`: how many more requests of it are on their way, whose peers should be told.
        case needed(others: Int, completesPiece: Bool)
    }

    /// What is known of a block when a part of it arrives.
    package enum Writer: Equatable {
        /// The block is here already, or its piece is.
        case unwanted
        /// Nothing of it is here.
        case none
        /// This peer is giving it, and has not finished.
        case peer(PeerHandle)
    }

    /// Whether another peer may be asked in place of the one that was.
    package func mayMove(_ block: BlockRequest) -> Bool { !suspicious.contains(block.piece) && isWanted(block) }

    /// Whether the block's bytes are still wanted.
    package func isWanted(_ block: BlockRequest) -> Bool { writer(of: block) != .unwanted }

    package func writer(of block: BlockRequest) -> Writer {
        guard let position = begun.index(forKey: block.piece) else { return .unwanted }
        let number = block.offset / BlockRequest.usualLength
        guard !begun.values[position].isReceived(number) else { return .unwanted }
        return begun.values[position].givers[number].map(Writer.peer) ?? .none
    }

    /// The block goes to the storage from its beginning on; the peer is the only one whose bytes of it are kept.
    package mutating func write(_ block: BlockRequest, by peer: PeerHandle, at endpoint: Endpoint) {
        guard let position = begun.index(forKey: block.piece) else { return }
        begun.values[position].write(block.offset / BlockRequest.usualLength, by: peer, at: endpoint)
    }

    /// The peer will not finish the block that it began.
    ///
    /// Returns whether bytes of it are in the storage, which should forget them.
    package mutating func forget(_ block: BlockRequest, by peer: PeerHandle) -> Bool {
        guard let position = begun.index(forKey: block.piece) else { return false }
        return begun.values[position].forget(block.offset / BlockRequest.usualLength, by: peer)
    }

    /// All of a block has gone to the storage.
    package mutating func received(_ block: BlockRequest, from peer: PeerHandle) -> Receipt {
        guard let position = begun.index(forKey: block.piece) else { return .duplicate }
        let doubtful = begun.values[position].doubtfulCount
        let receipt = begun.values[position].received(block.offset / BlockRequest.usualLength, from: peer)
        guard let receipt else { return .duplicate }
        doubtfulBlockCount += begun.values[position].doubtfulCount - doubtful
        if receipt.wasFree { freeBlockCount -= 1 }
        guard begun.values[position].isWhole else {
            return .needed(others: receipt.others, completesPiece: false)
        }
        verifying[block.piece] = begun.values[position].gift
        begun.remove(at: position)
        return .needed(others: receipt.others, completesPiece: true)
    }

    /// A peer will not deliver these blocks, or not soon: others may be asked.
    package mutating func abandoned(_ blocks: some Sequence<BlockRequest>, isDoubted: Bool = false) {
        var isMore = false
        for block in blocks {
            guard let position = begun.index(forKey: block.piece) else { continue }
            if begun.values[position].release() { isMore = true }
            let doubtful = begun.values[position].doubtfulCount
            let number = block.offset / BlockRequest.usualLength
            let isFree = begun.values[position].abandon(number, isDoubted: isDoubted)
            doubtfulBlockCount += begun.values[position].doubtfulCount - doubtful
            guard isFree else { continue }
            freeBlockCount += 1
            isMore = true
        }
        if isMore { generation += 1 }
    }

    /// The peer that was asked for these blocks does not give: others may be asked for them as well.
    package mutating func doubted(_ blocks: some Sequence<BlockRequest>) {
        let before = doubtfulBlockCount
        for block in blocks {
            guard let position = begun.index(forKey: block.piece) else { continue }
            let doubtful = begun.values[position].doubtfulCount
            begun.values[position].doubt(block.offset / BlockRequest.usualLength)
            doubtfulBlockCount += begun.values[position].doubtfulCount - doubtful
        }
        if doubtfulBlockCount > before { generation += 1 }
    }

    /// The peer that was asked for these blocks gives again.
    package mutating func trusted(_ blocks: some Sequence<BlockRequest>) {
        for block in blocks {
            guard let position = begun.index(forKey: block.piece) else { continue }
            let doubtful = begun.values[position].doubtfulCount
            begun.values[position].trust(block.offset / BlockRequest.usualLength)
            doubtfulBlockCount += begun.values[position].doubtfulCount - doubtful
        }
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
    /// Returns which peers gave it; nil if it was known already.
    package mutating func verified(_ piece: Int) -> Gift? {
        let gift = takeGift(of: piece)
        suspicious.remove(piece)
        suspects.removeValue(forKey: piece)
        guard !have[piece] else { return nil }
        have[piece] = true
        missing[piece] = false
        return gift
    }

    /// The piece failed its hash and is to be fetched again.
    ///
    /// Returns which peers gave it.
    package mutating func failed(_ piece: Int, now: Instant) -> Gift {
        let gift = takeGift(of: piece)
        generation += 1
        guard missing[piece] else { return gift }
        if gift.contributors.count > 1 {
            suspicious.insert(piece)
            suspects[piece] = now
        } else {
            index.insert(piece)
        }
        return gift
    }

    /// Blocks that unproved peers gave of pieces in the making are to come again; returns them.
    ///
    /// Where one wrong block was given there may be more, each of which would cost all the right ones of its piece.
    package mutating func disown(_ isUnproved: (PeerHandle) -> Bool) -> [BlockRequest] {
        var disowned: [BlockRequest] = []
        for position in begun.values.indices {
            let blocks = begun.values[position].disown(isUnproved)
            freeBlockCount += blocks.count
            disowned += blocks.map { request(piece: begun.keys[position], block: $0) }
        }
        if !disowned.isEmpty { generation += 1 }
        return disowned
    }

    /// Suspects that no peer has taken by `waitMax`, or that were begun and are not whole by `wholeMax`, are fetched
    /// as any other piece.
    package mutating func reviewSuspects(waitMax: Duration, wholeMax: Duration, now: Instant) {
        guard !suspicious.isEmpty else { return }
        while let (piece, since) = suspects.elements.first, now - since >= waitMax {
            suspects.removeFirst()
            suspicious.remove(piece)
            index.insert(piece)
            generation += 1
        }
        for position in begun.values.indices where now - begun.values[position].begunAt >= wholeMax {
            guard suspicious.remove(begun.keys[position]) != nil else { continue }
            _ = begun.values[position].release()
            generation += 1
        }
    }

    /// Which peers gave a piece that the storage has judged: it need not wait for padding that has not come (BEP 47).
    private mutating func takeGift(of piece: Int) -> Gift {
        if let gift = verifying.removeValue(forKey: piece) { return gift }
        guard let position = begun.index(forKey: piece) else { return Gift() }
        defer { begun.remove(at: position) }
        freeBlockCount -= begun.values[position].freeCount
        doubtfulBlockCount -= begun.values[position].doubtfulCount
        // The end game may begin with this.
        generation += 1
        return begun.values[position].gift
    }
}
