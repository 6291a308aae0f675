package import NIOCore
package import Primitives

/// What a `TorrentStorage` has to say, in the order in which it happened.
package enum StorageEvent: Sendable {
    /// Names that had to be changed to become safe paths; before `opened`, and only if there were any.
    case repaired([PathRepair])
    /// How many pieces of what was found on disk have been checked so far: first 0, then every 64 MiB or so.
    case checking(pieces: Int)
    /// The answer to `open`: the pieces that are on disk and verified.
    case opened(have: Bitfield)
    /// The piece was written, and can be read and served.
    case pieceVerified(Int)
    /// The hash was wrong: all bytes of the piece were dropped, and have to be fetched again.
    ///
    /// `blocks` are digests of what it had, as in `blocksDigested`.
    case pieceFailed(Int, blocks: [UInt64])
    /// The answer to `digestBlocks`: the first half of the SHA-1 of every 16 KiB of the piece.
    case blocksDigested(Int, [UInt64])
    /// So many bytes passed to `store` are no longer held in memory.
    case released(bytes: Int)
    /// The answer to `read` with the same tag: heads and blocks, one after the other, without those that failed.
    ///
    /// `failed` is by the index in what was asked for.
    case blocksRead(tag: UInt64, ByteBuffer, failed: [Int: StorageError])
    /// The answer to `read` into a pipe with the same tag: heads and blocks are all in the pipe.
    case blocksPiped(tag: UInt64)
    /// Nothing can be stored any more; reported once. What was verified before is kept and can still be read.
    case failed(StorageError)
}

/// A part of a piece that is to be read.
package struct BlockRead: Hashable, Sendable {
    package let piece: Int
    package let offset: Int
    package let length: Int

    package init(piece: Int, offset: Int, length: Int) {
        self.piece = piece
        self.offset = offset
        self.length = length
    }
}
