package import Metainfo

/// What the data on disk is worth: which pieces are right, and which files are to blame for those that are not.
package struct DiskVerdict: Equatable, Sendable {
    /// What is wrong with a file.
    package enum Fault: Equatable, Sendable {
        case missing
        case notAFile
        case unreadable(errno: CInt)
        case short(size: Int)
        case long(size: Int)
        /// The size is right, and not what is in it.
        case damaged
    }

    /// A file that is not as the torrent has it.
    package struct FileFault: Equatable, Sendable {
        /// In the torrent.
        package let index: Int
        package let fault: Fault
        /// The bad pieces of which it has a part.
        package let pieces: PieceRanges
    }

    package let badPieces: PieceRanges
    package let verifiedBytes: Int
    package let files: [FileFault]

    /// Judges what was found: one finding for each file and for each piece.
    package init(_ info: Info, files found: [FileFinding], pieces: [DiskHasher.Finding]) {
        let isBad = pieces.indices.map { pieces[$0] != .hash(info.hash(ofPiece: $0)) }
        badPieces = PieceRanges(isBad.indices.filter { isBad[$0] })
        verifiedBytes = isBad.indices.reduce(0) { $0 + (isBad[$1] ? 0 : info.length(ofPiece: $1)) }
        files = info.files.indices.filter { info.files[$0].isStored }.compactMap { index in
            let bad = info.pieces(ofFile: index).filter { isBad[$0] }
            let fault = Self.fault(index, found[index], length: info.files[index].length, bad.map { pieces[$0] })
            return fault.map { FileFault(index: index, fault: $0, pieces: PieceRanges(bad)) }
        }
    }

    /// Judges by sizes alone, as if every piece were right; that of an empty file nobody will miss.
    package init(_ info: Info, sizesOf found: [FileFinding]) {
        let found = found.indices.map { index in
            found[index] == .missing && info.files[index].length == 0 ? .size(0) : found[index]
        }
        self.init(info, files: found, pieces: (0..<info.pieceCount).map { .hash(info.hash(ofPiece: $0)) })
    }

    /// Everything is as the torrent says.
    package var isComplete: Bool { files.isEmpty && badPieces.count == 0 }

    /// 7 when something could not even be read, 8 when it was read and is wrong.
    package var status: ProgramExit {
        if isComplete { return .done }
        let isUnreadable = files.contains { file in
            if case .unreadable = file.fault { true } else { false }
        }
        return isUnreadable ? .disk : .badContent
    }

    private static func fault(
        _ file: Int, _ found: FileFinding, length: Int, _ badPieces: [DiskHasher.Finding]
    ) -> Fault? {
        switch found {
        case .missing: return .missing
        case .notAFile: return .notAFile
        case .unreadable(let code): return .unreadable(errno: code)
        case .size(let size) where size < length: return .short(size: size)
        case .size(let size) where size > length: return .long(size: size)
        case .size: break
        }
        for piece in badPieces {
            if case .failed(file, let code) = piece { return .unreadable(errno: code) }
        }
        // A piece that could not be hashed for want of a neighbour says nothing about this file.
        let isDamaged = badPieces.contains { piece in
            switch piece {
            case .hash, .endsEarly(file): true
            case .endsEarly, .failed: false
            }
        }
        return isDamaged ? .damaged : nil
    }
}
