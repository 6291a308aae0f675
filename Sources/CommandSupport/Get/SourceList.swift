/// A file of sources: one a line, blank lines and those that begin with `#` left out.
package enum SourceList {
    /// A list of a million magnets is 300 MiB.
    package static let limitBytes = 512 << 20

    package static func parse(_ text: some StringProtocol) -> [String] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let source = line.drop { $0.isWhitespace }
            guard !source.isEmpty, !source.hasPrefix("#") else { return nil }
            return String(source.reversed().drop { $0.isWhitespace }.reversed())
        }
    }
}
