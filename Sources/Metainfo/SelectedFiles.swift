package import Primitives

/// The files of a torrent that are wanted, and what they need of its pieces.
package struct SelectedFiles: Hashable, Sendable {
    package let files: Bitfield
    /// The pieces with at least one byte of a wanted file.
    package let pieces: Bitfield
    /// Of the wanted files together.
    package let byteCount: Int
    /// Whether every file is wanted; padding is no file.
    package let isEverything: Bool
    /// What was asked for and is not there, though something else is.
    package internal(set) var unmatched: [String] = []
    /// Bytes of wanted files in pieces that have others as well.
    private var sharedPieces: [Int: Int] = [:]

    /// All files of a torrent.
    package init(allOf info: Info) {
        self.init(info) { _ in true }
    }

    package init(_ info: Info, where isWanted: (Int) -> Bool) {
        var files = Bitfield(count: info.files.count)
        var pieces = Bitfield(count: info.pieceCount)
        var byteCount = 0
        var isEverything = true
        for (index, file) in info.files.enumerated() where file.isStored {
            guard isWanted(index) else {
                isEverything = false
                continue
            }
            files[index] = true
            byteCount += file.length
            let touched = info.pieces(ofFile: index)
            for piece in touched { pieces[piece] = true }
            for piece in Set([touched.first, touched.last].compactMap(\.self)) {
                let start = max(file.offset, piece * info.pieceLength)
                let end = min(file.offset + file.length, piece * info.pieceLength + info.length(ofPiece: piece))
                if end - start < info.length(ofPiece: piece) { sharedPieces[piece, default: 0] += end - start }
            }
        }
        for piece in Array(sharedPieces.keys) where sharedPieces[piece] == info.length(ofPiece: piece) {
            sharedPieces[piece] = nil
        }
        self.files = files
        self.pieces = pieces
        self.byteCount = byteCount
        self.isEverything = isEverything
        lengths = (info.pieceLength, info.pieceCount > 0 ? info.length(ofPiece: info.pieceCount - 1) : 0)
    }

    /// Of every piece, and of the last one.
    private let lengths: (whole: Int, last: Int)

    /// How many bytes of wanted files a piece has.
    package func bytes(ofPiece piece: Int) -> Int {
        guard pieces[piece] else { return 0 }
        return sharedPieces[piece] ?? (piece == pieces.count - 1 ? lengths.last : lengths.whole)
    }

    package static func == (left: SelectedFiles, right: SelectedFiles) -> Bool {
        left.files == right.files && left.pieces == right.pieces
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(files)
    }
}
