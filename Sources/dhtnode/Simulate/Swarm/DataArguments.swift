import ArgumentParser

/// What a link carries, on the command line: `1Gbit/s`, `100Mbit/s`, `12.5MB/s`; powers of 1,000, as links have.
struct LinkRate: Equatable, Sendable, ExpressibleByArgument, CustomStringConvertible {
    let bytesPerSecond: Double
    let description: String

    var defaultValueDescription: String { description }

    init?(argument: String) {
        guard argument.hasSuffix("/s") else { return nil }
        let text = argument.dropLast(2)
        let divisor: Double
        let number: Substring
        if text.hasSuffix("bit") {
            (divisor, number) = (8, text.dropLast(3))
        } else if text.hasSuffix("B") {
            (divisor, number) = (1, text.dropLast())
        } else {
            return nil
        }
        guard let value = DataSize.scaled(number), value / divisor >= 1000 else { return nil }
        bytesPerSecond = value / divisor
        description = argument
    }
}

/// A length on the command line: `1GB`, powers of 1,000; `64MiB`, powers of 1,024.
struct DataSize: Equatable, Sendable, ExpressibleByArgument, CustomStringConvertible {
    let bytes: Int
    let description: String

    var defaultValueDescription: String { description }

    init?(argument: String) {
        let number = argument.hasSuffix("B") ? argument.dropLast() : argument[...]
        let value: Double?
        if number.hasSuffix("i"), let unit = number.dropLast().last, let shift = ["K": 10, "M": 20, "G": 30][unit] {
            value = Double(number.dropLast(2)).map { $0 * Double(1 << shift) }
        } else {
            value = Self.scaled(number)
        }
        guard let value, (1...1e13).contains(value) else { return nil }
        bytes = Int(value)
        description = argument
    }

    /// A number with K, M or G behind it.
    static func scaled(_ text: Substring) -> Double? {
        guard let unit = text.last, let factor = ["K": 1e3, "k": 1e3, "M": 1e6, "G": 1e9][unit] else {
            return Double(text)
        }
        return Double(text.dropLast()).map { $0 * factor }
    }
}
