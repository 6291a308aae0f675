import Primitives
import Synchronization

/// A `DiskHasher` at work for a command: with a progress line, and an end when a signal comes.
package struct DiskHashing {
    private static let tickInterval = Duration.milliseconds(200)

    private let hasher: DiskHasher
    private let state: ProgressState
    private let console: Console

    /// `activity` is what the progress line says is done, such as "hashing"; the name is escaped when shown.
    package init(_ hasher: DiskHasher, _ activity: String, name: String, totalBytes: Int, _ console: Console) {
        self.hasher = hasher
        self.console = console
        var state = ProgressState()
        state.stage = .checking
        state.activity = activity
        state.name = name
        state.totalBytes = totalBytes
        self.state = state
    }

    /// What was found, for each piece; throws the exit status of the signal that came in between.
    package func run() async throws(Interruption) -> [DiskHasher.Finding] {
        let signalled = SignalBox()
        Signals.onFirst { [hasher] exit in
            signalled.exit.withLock { $0 = exit }
            hasher.stop()
        }
        let start = MonotonicClock.now
        let clock = Task { [self] in
            while !Task.isCancelled {
                show(since: start)
                try? await Task.sleep(for: Self.tickInterval)
            }
        }
        let findings = await hasher.run()
        clock.cancel()
        await clock.value
        console.endProgress()
        guard let findings else {
            throw Interruption(status: signalled.exit.withLock { $0 } ?? .failure)
        }
        return findings
    }

    /// A signal came before the end.
    package struct Interruption: Error {
        package let status: ProgramExit
    }

    private final class SignalBox: Sendable {
        let exit = Mutex<ProgramExit?>(nil)
    }

    private func show(since start: Instant) {
        let now = MonotonicClock.now
        var state = state
        state.doneBytes = hasher.doneBytes
        state.downloadRate = Double(state.doneBytes) / max(0.001, (now - start).inSeconds)
        if state.downloadRate >= 1 {
            state.timeLeft = .seconds(Double(state.totalBytes - state.doneBytes) / state.downloadRate)
        }
        console.progress(state, stage: state.stage, now: now)
    }
}
