import Primitives

/// Looks for the mark that ends a pad of unknown length, each place once however the stream is cut.
struct PadSearch: Sendable {
    enum Finding: Hashable, Sendable {
        /// So many bytes to the end of the mark.
        case found(Int)
        /// The mark does not begin within so many bytes; 0 when there are too few to tell.
        case passed(Int)
        /// The pad is too long.
        case missing
    }

    private let mark: [UInt8]
    /// What was passed before.
    private var padBytes = 0

    init(for mark: [UInt8]) {
        self.mark = mark
    }

    mutating func look(in bytes: RawSpan, at offset: Int) -> Finding {
        let limit = min(bytes.byteCount - mark.count, offset + EncryptionHandshake.padBytesMax - padBytes)
        var start = offset
        while start <= limit {
            if isMark(in: bytes, at: start) { return .found(start - offset + mark.count) }
            start += 1
        }
        padBytes += start - offset
        return padBytes > EncryptionHandshake.padBytesMax ? .missing : .passed(start - offset)
    }

    private func isMark(in bytes: RawSpan, at start: Int) -> Bool {
        mark.indices.allSatisfy { bytes.byte(at: start + $0) == mark[$0] }
    }
}
