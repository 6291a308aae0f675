/// Why a command cannot do what it was asked to, and the exit status that says so.
package struct CommandFailure: Error, Equatable, Sendable {
    package let status: ProgramExit
    /// One sentence, escaped.
    package let message: String
    /// What to try next.
    package let advice: String?

    package init(_ status: ProgramExit, _ message: String, advice: String? = nil) {
        self.status = status
        self.message = message
        self.advice = advice
    }
}
