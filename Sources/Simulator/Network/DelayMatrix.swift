/// Measured delays between N hosts: host i of the simulation takes the part of host i mod N.
package struct DelayMatrix: Equatable, Sendable {
    package enum Meaning: Sendable {
        /// Row to column.
        case oneWay
        /// There and back again; half of it is taken for each way.
        case roundTrip
    }

    package struct Malformed: Error, Equatable, Sendable {
        package let line: Int
        package let reason: String
    }

    package let size: Int
    /// One-way times in milliseconds, row by row.
    private let milliseconds: [Float]

    /// Reads N lines of N numbers in milliseconds, apart by blanks or commas; `#` begins a comment.
    package init(parsing text: String, as meaning: Meaning) throws(Malformed) {
        var rows: [[Float]] = []
        let factor: Float = meaning == .oneWay ? 1 : 0.5
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.prefix { $0 != "#" }
            let fields = content.split { $0 == " " || $0 == "," || $0 == "\t" || $0 == "\r" || $0 == "\r\n" }
            guard !fields.isEmpty else { continue }
            var row: [Float] = []
            for field in fields {
                guard let value = Float(field), value >= 0, value.isFinite else {
                    throw Malformed(line: number + 1, reason: "'\(field)' is no delay")
                }
                row.append(value * factor)
            }
            if let first = rows.first, first.count != row.count {
                throw Malformed(line: number + 1, reason: "\(row.count) numbers after \(first.count) in the first row")
            }
            rows.append(row)
        }
        guard let first = rows.first, first.count == rows.count else {
            throw Malformed(line: 0, reason: "\(rows.count) rows of \(rows.first?.count ?? 0): not a square")
        }
        size = rows.count
        milliseconds = rows.flatMap { $0 }
    }

    init(size: Int, milliseconds: [Float]) {
        precondition(milliseconds.count == size * size, "a matrix that is not square")
        (self.size, self.milliseconds) = (size, milliseconds)
    }

    /// One way, in milliseconds.
    subscript(source: Int, target: Int) -> Float { milliseconds[source * size + target] }

    func latency(from source: HostIndex, to target: HostIndex) -> Duration {
        .microseconds(Int64(self[source % size, target % size] * 1000))
    }
}
