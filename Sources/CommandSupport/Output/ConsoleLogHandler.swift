package import Logging

/// Log lines of the parts below, shown with `-v` in the one place where all output is written.
package struct ConsoleLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let console: Console

    package init(_ console: Console) {
        self.console = console
        logLevel =
            switch console.configuration.verbosity {
            case 0: .critical
            case 1: .info
            default: .debug
            }
    }

    package static func logger(_ console: Console) -> Logger {
        Logger(label: "mainline") { _ in ConsoleLogHandler(console) }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let details = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        console.note(TerminalText.escaped("\(event.level): \(event.message)\(details)"), verbosity: 1)
    }
}
