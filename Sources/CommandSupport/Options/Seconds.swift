import ArgumentParser

/// A time on the command line: seconds, whole or with a fraction, more than none.
package struct Seconds: Equatable, Sendable, ExpressibleByArgument, CustomStringConvertible {
    package let duration: Duration
    private let text: String

    package init?(argument: String) {
        // A year is "for ever"; the bound keeps arithmetic with instants far from its ends.
        guard let value = Double(argument), value > 0, value <= 366 * 86_400 else { return nil }
        duration = .milliseconds(Int64((value * 1_000).rounded(.up)))
        text = argument
    }

    package init(_ seconds: Int) {
        duration = .seconds(seconds)
        text = String(seconds)
    }

    package var description: String { text }
    package var defaultValueDescription: String { text }
}
