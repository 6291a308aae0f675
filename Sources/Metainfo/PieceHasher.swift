import Digest
package import Primitives

/// Cuts a stream of bytes into pieces and hashes them.
package struct PieceHasher {
    private let pieceLength: Int
    private let hasher = SHA1()
    private var hashes: [ID160] = []
    /// Bytes of the current piece so far.
    private var filled = 0

    /// A piece length is positive.
    package init(pieceLength: Int) {
        precondition(pieceLength > 0, "a piece has at least one byte")
        self.pieceLength = pieceLength
    }

    /// Takes the next bytes of the torrent, in chunks of any size.
    package mutating func update(_ bytes: RawSpan) {
        var offset = 0
        while offset < bytes.byteCount {
            let taken = min(bytes.byteCount - offset, pieceLength - filled)
            bytes.extracting(offset..<offset + taken).withUnsafeBytes { hasher.update($0) }
            offset += taken
            filled += taken
            if filled == pieceLength { endPiece() }
        }
    }

    /// Takes so many zeros, which is what padding is (BEP 47).
    package mutating func update(zeros count: Int) {
        let zeros = [UInt8](repeating: 0, count: min(count, 64 << 10))
        var left = count
        while left > 0 {
            let taken = min(left, zeros.count)
            update(zeros.span.bytes.extracting(0..<taken))
            left -= taken
        }
    }

    /// One hash per piece, the last of which may be short; to be called once.
    package mutating func finish() -> [ID160] {
        if filled > 0 { endPiece() }
        return hashes
    }

    private mutating func endPiece() {
        hashes.append(hasher.finish())
        filled = 0
    }
}
