/// How a program ends; documented in docs/reference/exit-codes.md and in every `--help`.
///
/// Not called `ExitCode` or `ExitStatus`: these names are ArgumentParser's and Testing's.
package enum ProgramExit: Int32, CaseIterable, Sendable {
    case done = 0
    case failure = 1
    case noDHT = 3
    case nothingFound = 4
    case noMetadata = 5
    case stalled = 6
    case disk = 7
    case badContent = 8
    case usage = 64
    case interrupted = 130
    case brokenPipe = 141
    case terminated = 143

    package var meaning: String {
        switch self {
        case .done: "done, and verified"
        case .failure: "unexpected failure"
        case .noDHT: "no DHT: no bootstrap node answered, or the network is unusable"
        case .nothingFound: "nothing found: no peers, no value, no such node"
        case .noMetadata: "peers found, but none gave valid metadata"
        case .stalled: "stalled: metadata known, but the pieces did not arrive in time"
        case .disk: "disk: full, read-only, no permission, or an unsafe path"
        case .badContent: "content is not what it says: broken, or fails its hash"
        case .usage: "usage: bad flags or arguments, or a source that cannot be parsed"
        case .interrupted: "interrupted by SIGINT"
        case .brokenPipe: "nobody reads standard output any more"
        case .terminated: "interrupted by SIGTERM"
        }
    }

    /// The table for `--help`, of those that a command can end with.
    package static func helpText(for statuses: [ProgramExit] = ProgramExit.allCases) -> String {
        let rows = statuses.map { status in
            let code = String(status.rawValue)
            return "  " + String(repeating: " ", count: 3 - code.count) + code + "  " + status.meaning
        }
        return (["EXIT CODES:"] + rows).joined(separator: "\n")
    }
}
