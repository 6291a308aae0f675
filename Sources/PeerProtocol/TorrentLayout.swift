/// How a torrent is cut into pieces: what a session needs to check indices and lengths.
package struct TorrentLayout: Hashable, Sendable {
    package let pieceLength: Int
    /// In bytes, of all files.
    package let totalLength: Int

    /// `pieceLength` must be positive.
    package init(pieceLength: Int, totalLength: Int) {
        precondition(pieceLength > 0 && totalLength >= 0, "a torrent is cut into pieces of at least a byte")
        self.pieceLength = pieceLength
        self.totalLength = totalLength
    }

    package var pieceCount: Int {
        totalLength / pieceLength + (totalLength.isMultiple(of: pieceLength) ? 0 : 1)
    }

    /// In bytes, alike for all but the last one; `piece` must exist.
    package func length(ofPiece piece: Int) -> Int {
        min(pieceLength, totalLength - piece * pieceLength)
    }

    /// Whether `block` is one byte or more, all within one piece.
    package func contains(_ block: BlockRequest) -> Bool {
        guard block.piece >= 0, block.piece < pieceCount, block.offset >= 0, block.length > 0 else { return false }
        let length = length(ofPiece: block.piece)
        return block.offset < length && block.length <= length - block.offset
    }
}
