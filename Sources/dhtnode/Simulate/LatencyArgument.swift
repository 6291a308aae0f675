import ArgumentParser
import CommandSupport
import Primitives
import Simulator

/// How long packets take, on the command line.
enum LatencyArgument: Equatable, Sendable, ExpressibleByArgument {
    case internet
    /// One-way times in milliseconds.
    case uniform(ClosedRange<Double>)
    /// Median and 90th percentile of the round trips, in milliseconds.
    case logNormal(median: Double, p90: Double)
    /// A file of delays in milliseconds between N hosts.
    case matrix(path: String, DelayMatrix.Meaning)

    static let help = """
        internet (log-normal round trips, median 120 ms, 90th percentile 400 ms), lognormal:MEDIAN,P90 (ms, round \
        trips), uniform:LOW-HIGH (ms, one way), matrix:FILE (N lines of N one-way times in ms; '#' begins a \
        comment) or rtt-matrix:FILE (the same, round trips).
        """

    /// The largest matrix file that is read: one of 4,000 hosts.
    private static let matrixLimitBytes = 256 << 20
    private static let longestMilliseconds = 60_000.0

    init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let rest = parts.count == 2 ? String(parts[1]) : ""
        switch (parts[0], rest.isEmpty) {
        case ("internet", true): self = .internet
        case ("uniform", false):
            guard let pair = Self.pair(rest, "-"), pair.0 <= pair.1 else { return nil }
            self = .uniform(pair.0...pair.1)
        case ("lognormal", false):
            guard let pair = Self.pair(rest, ","), pair.0 > 0, pair.0 < pair.1 else { return nil }
            self = .logNormal(median: pair.0, p90: pair.1)
        case ("matrix", false): self = .matrix(path: rest, .oneWay)
        case ("rtt-matrix", false): self = .matrix(path: rest, .roundTrip)
        default: return nil
        }
    }

    private static func pair(_ text: String, _ separator: Character) -> (Double, Double)? {
        let numbers = text.split(separator: separator, omittingEmptySubsequences: false).compactMap { Double($0) }
        guard numbers.count == 2, numbers.allSatisfy({ (0...longestMilliseconds).contains($0) }) else { return nil }
        return (numbers[0], numbers[1])
    }

    /// Reads the file if there is one; ends the program when it is of no use.
    func model() throws -> LatencyModel {
        switch self {
        case .internet: return .internet
        case .uniform(let range):
            return .uniform(Self.milliseconds(range.lowerBound)...Self.milliseconds(range.upperBound))
        case .logNormal(let median, let p90):
            return .logNormal(medianRoundTrip: Self.milliseconds(median), p90RoundTrip: Self.milliseconds(p90))
        case .matrix(let path, let meaning):
            return LatencyModel(try Self.matrix(at: path, meaning, option: "--latency"))
        }
    }

    /// Reads the matrix that an option names.
    static func matrix(at path: String, _ meaning: DelayMatrix.Meaning, option: String) throws -> DelayMatrix {
        let bytes: [UInt8]
        do {
            bytes = try FileContents.read(path, limitBytes: Self.matrixLimitBytes)
        } catch {
            throw ValidationError("\(option): \(path) cannot be read: \(error)")
        }
        do {
            return try DelayMatrix(parsing: String(decoding: bytes, as: UTF8.self), as: meaning)
        } catch {
            throw ValidationError("\(option): \(path), line \(error.line): \(error.reason)")
        }
    }

    private static func milliseconds(_ value: Double) -> Duration { .microseconds(Int64(value * 1000)) }
}
