import CommandSupport
import Glibc
import Primitives
import Simulator

/// Shows how far a simulation is: one line that is drawn again on a terminal, a line every few seconds elsewhere.
struct SimulationPacer {
    private static let drawnInterval = Duration.milliseconds(200)
    private static let plainInterval = Duration.seconds(5)

    private let style: OutputConfiguration.Progress
    private let console: Console
    private var last: (at: Instant, events: Int)?
    private var hasDrawn = false

    init(_ console: Console) {
        self.console = console
        style = console.configuration.progress
    }

    mutating func show(_ progress: ScenarioProgress, now: Instant) {
        guard style != .none else { return }
        guard let last else {
            self.last = (now, progress.events)
            return
        }
        let elapsed = last.at.duration(to: now)
        guard elapsed >= (style == .drawn ? Self.drawnInterval : Self.plainInterval) else { return }
        // Another run of the same command begins at nothing.
        let events = max(progress.events - last.events, 0)
        self.last = (now, progress.events)
        let line = Self.line(progress, eventsPerSecond: Double(events) / elapsed.inSeconds)
        guard style == .drawn else { return console.note(line) }
        hasDrawn = true
        Self.draw(line)
    }

    /// Takes the drawn line away.
    mutating func end() {
        if hasDrawn { Self.draw("") }
        hasDrawn = false
    }

    /// In place of what stands in the terminal's last line; a part that is not taken is no loss.
    private static func draw(_ line: String) {
        let bytes = Array(("\r\u{1B}[K" + line).utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    static func line(_ progress: ScenarioProgress, eventsPerSecond: Double) -> String {
        var text = "simulated \(HumanText.clock(Instant.origin.duration(to: progress.now))), \(progress.phase)"
        if let done = progress.done { text += " \(done.count) of \(done.total)" }
        let rate = Int(eventsPerSecond / 1000)
        return text + ", \(HumanText.count(progress.nodeCount, "node")), \(rate) k events/s"
    }
}
