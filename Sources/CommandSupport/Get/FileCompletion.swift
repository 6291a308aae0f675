package import Metainfo
import Primitives

/// Which of the wanted files are whole, told by the verified pieces.
package struct FileCompletion: Sendable {
    /// Pieces of each file that are not verified yet.
    private var missing: [Int]
    private let info: Info
    private let selected: SelectedFiles

    package init(_ info: Info, _ selected: SelectedFiles) {
        self.info = info
        self.selected = selected
        missing = info.files.indices.map { info.pieces(ofFile: $0).count }
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
            if info.files[index].length > 0, selected.files[index] {
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
