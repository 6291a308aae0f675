import ArgumentParser

/// A size on the command line: bytes, or with a suffix `K`, `M`, `G`, `T` (also `KiB` and so on), powers of 1,024.
package struct ByteCount: Equatable, Sendable, ExpressibleByArgument {
    package let bytes: Int

    package init?(argument: String) {
        let text = argument.lowercased()
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), let shift = Self.shift(of: text.dropFirst(digits.count)) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow else { return nil }
        self.bytes = bytes
    }

    private static func shift(of suffix: Substring) -> Int? {
        switch suffix {
        case "", "b": 0
        case "k", "kb", "kib": 10
        case "m", "mb", "mib": 20
        case "g", "gb", "gib": 30
        case "t", "tb", "tib": 40
        default: nil
        }
    }
}
