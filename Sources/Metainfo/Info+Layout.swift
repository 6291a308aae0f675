/// A stretch of bytes within one file.
package struct FileSpan: Hashable, Sendable {
    /// Index into `Info.files`.
    package let file: Int
    /// Where in the file it starts.
    package let offset: Int
    package let length: Int

    package init(file: Int, offset: Int, length: Int) {
        self.file = file
        self.offset = offset
        self.length = length
    }
}

extension Info {
    /// The stretches of files that a part of a piece covers, in order, none of them empty.
    ///
    /// The part must lie within the piece.
    package func spans(piece: Int, offset: Int, length: Int) -> [FileSpan] {
        precondition(
            offset >= 0 && length >= 0 && length <= self.length(ofPiece: piece) - offset, "range outside the piece")
        var position = piece * pieceLength + offset
        let end = position + length
        var spans: [FileSpan] = []
        var index = firstNonEmptyFile(endingAfter: position)
        while position < end {
            let file = files[nonEmptyFiles[index]]
            let taken = min(end, file.offset + file.length) - position
            spans.append(FileSpan(file: nonEmptyFiles[index], offset: position - file.offset, length: taken))
            position += taken
            index += 1
        }
        return spans
    }

    /// The pieces of which at least one byte lies in the file; empty for an empty file.
    package func pieces(ofFile index: Int) -> Range<Int> {
        let file = files[index]
        guard file.length > 0 else { return 0..<0 }
        return (file.offset / pieceLength)..<((file.offset + file.length - 1) / pieceLength + 1)
    }

    /// Index into `nonEmptyFiles`, by binary search.
    private func firstNonEmptyFile(endingAfter position: Int) -> Int {
        var low = 0
        var high = nonEmptyFiles.count
        while low < high {
            let middle = (low + high) / 2
            let file = files[nonEmptyFiles[middle]]
            if file.offset + file.length <= position { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
