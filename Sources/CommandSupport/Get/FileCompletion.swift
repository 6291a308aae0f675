package import Metainfo

/// Which files of a torrent are whole, told by its verified pieces.
package struct FileCompletion: Sendable {
    /// Pieces of each file that are not verified yet.
    private var missing: [Int]
    private let info: Info

    package init(_ info: Info) {
        self.info = info
        missing = info.files.map { file in
            guard file.length > 0 else { return 0 }
            return (file.offset + file.length - 1) / info.pieceLength - file.offset / info.pieceLength + 1
        }
    }

    /// Returns the files that this piece completes, in their order.
    ///
    /// Tell it of each piece once.
    package mutating func pieceVerified(_ piece: Int) -> [Int] {
        let start = piece * info.pieceLength
        let end = start + info.length(ofPiece: piece)
        var completed: [Int] = []
        var index = firstFile(endingAfter: start)
        while index < info.files.count, info.files[index].offset < end {
            if info.files[index].length > 0 {
                missing[index] -= 1
                if missing[index] == 0 { completed.append(index) }
            }
            index += 1
        }
        return completed
    }

    /// Offsets ascend with the index, so that halving finds it.
    private func firstFile(endingAfter position: Int) -> Int {
        var low = 0
        var high = info.files.count
        while low < high {
            let middle = (low + high) / 2
            if info.files[middle].offset + info.files[middle].length > position {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }
}
