import Glibc
package import Primitives
import Synchronization

/// Everything that a program says goes through here, from any thread: results to standard output, the rest to
/// standard error, and no line ever lands in the middle of the progress line.
package final class Console: Sendable {
    package let configuration: OutputConfiguration
    private let program: String
    private let state: Mutex<State>

    private struct State: Sendable {
        var pacer: ProgressPacer
        /// What stands in the terminal's last line.
        var drawn: String?
    }

    package init(program: String, _ configuration: OutputConfiguration) {
        self.program = program
        self.configuration = configuration
        state = Mutex(State(pacer: ProgressPacer(configuration.progress)))
    }

    /// A line of what was asked for; not in JSON mode, where events say it.
    package func result(_ line: String) {
        guard !configuration.json else { return }
        write((configuration.escapesResults ? TerminalText.escaped(line) : line) + "\n", to: STDOUT_FILENO)
    }

    /// An event for machines; only in JSON mode.
    package func event(_ line: @autoclosure () -> JSONLine?) {
        guard configuration.json, let line = line() else { return }
        write(line.text + "\n", to: STDOUT_FILENO)
    }

    /// A line that is JSON in every mode.
    package func json(_ line: JSONLine) {
        write(line.text + "\n", to: STDOUT_FILENO)
    }

    /// Bytes that were asked for, as they are.
    package func data(_ bytes: [UInt8]) {
        state.withLock { _ in Terminal.write(bytes, to: STDOUT_FILENO) }
    }

    /// A remark, shown from this verbosity on.
    ///
    /// Text from the network must be escaped already.
    package func note(_ line: String, verbosity: Int = 0) {
        guard !configuration.isQuiet, verbosity <= configuration.verbosity else { return }
        write(line + "\n", to: STDERR_FILENO)
    }

    /// Good news at the end.
    package func success(_ line: String) {
        note(painted(line, "32"))
    }

    /// Why something failed and what to try; always shown.
    package func error(_ message: String, advice: String? = nil) {
        var text = "\(program): " + painted("error: ", "1;31") + message + "\n"
        if let advice { text += "\(program): " + painted("try: ", "1") + advice + "\n" }
        write(text, to: STDERR_FILENO)
    }

    /// Shows how far things are, as often as is fit.
    package func progress(_ progress: @autoclosure () -> ProgressState, stage: GetStage, now: Instant) {
        guard configuration.progress != .none else { return }
        state.withLock { state in
            guard state.pacer.isDue(stage, now: now) else { return }
            let progress = progress()
            guard configuration.progress == .drawn else {
                return Terminal.write(ProgressLine.plain(progress) + "\n", to: STDERR_FILENO)
            }
            // The last column stays free: some terminals wrap as soon as it is written.
            let line = ProgressLine.drawn(progress, columns: Terminal.columns - 1)
            guard line != state.drawn else { return }
            state.drawn = line
            Terminal.write(Terminal.eraseLine + line, to: STDERR_FILENO)
        }
    }

    /// Takes the progress line away.
    package func endProgress() {
        state.withLock { state in
            guard state.drawn != nil else { return }
            state.drawn = nil
            Terminal.write(Terminal.eraseLine, to: STDERR_FILENO)
        }
    }

    private func write(_ text: String, to descriptor: CInt) {
        state.withLock { state in
            guard let drawn = state.drawn else { return Terminal.write(text, to: descriptor) }
            Terminal.write(Terminal.eraseLine, to: STDERR_FILENO)
            Terminal.write(text, to: descriptor)
            Terminal.write(drawn, to: STDERR_FILENO)
        }
    }

    private func painted(_ text: String, _ code: String) -> String {
        configuration.usesColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
