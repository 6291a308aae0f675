import ArgumentParser
import Simulator

/// How nodes come and go, on the command line: `none`, `measured`, or how many times faster than measured.
struct ChurnArgument: Equatable, Sendable, ExpressibleByArgument {
    let sessions: SessionModel?

    private static let fastest = 1000.0

    init?(argument: String) {
        switch argument {
        case "none": sessions = nil
        case "measured": sessions = .measured
        default:
            guard let factor = Double(argument), factor > 0, factor <= Self.fastest else { return nil }
            sessions = SessionModel.measured.accelerated(by: factor)
        }
    }
}
