/// What the two programs share, and the parts of them that can be tested without a network.
///
/// - `Options/`: the flags of both, and the configuration that they resolve to.
/// - `Output/`: console, progress line, JSON lines, escaping of what came from the network.
/// - `Network/`: addresses and names on the command line, the built-in routers, interfaces of this machine.
/// - `Get/`: `GetRun`, the stages of one download with their limits, as a value that is fed facts and the time.
/// - `ProgramExit` and `Signals`: how a program ends.
package enum CommandSupport {
    /// What `--version` prints.
    package static let version = "0.1.0"
}
