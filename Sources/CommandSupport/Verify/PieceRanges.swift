/// Pieces as people write pages: `0-3, 7`.
package struct PieceRanges: Equatable, Sendable {
    package private(set) var ranges: [ClosedRange<Int>] = []

    /// Indices in ascending order.
    package init(_ pieces: some Sequence<Int>) {
        for piece in pieces {
            if let last = ranges.last, last.upperBound + 1 == piece {
                ranges[ranges.count - 1] = last.lowerBound...piece
            } else {
                ranges.append(piece...piece)
            }
        }
    }

    package var count: Int { ranges.reduce(0) { $0 + $1.count } }

    /// At most so many ranges, and how many pieces there are beyond them.
    package func text(maxRanges: Int = 20) -> String {
        let shown = ranges.prefix(maxRanges)
        var text = shown.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ", ")
        let more = count - shown.reduce(0) { $0 + $1.count }
        if more > 0 { text += " and \(more) more" }
        return text
    }
}
