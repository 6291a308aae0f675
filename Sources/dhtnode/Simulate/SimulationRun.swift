import ArgumentParser
import CommandSupport
import Primitives
import Simulator
import Synchronization

/// Runs scenarios on the real clock: progress on standard error, an end when a signal asks for one, and what every
/// report begins and ends with.
struct SimulationRun {
    private let options: SimulationOutputOptions
    let console: Console
    private let startedAt = MonotonicClock.now
    private var pacer: SimulationPacer
    private let interruption = Interruption()
    private let residentAtStart = ResidentSet.bytes
    /// The most memory that the process held during the last scenario, less what it held before the first; nil where
    /// nobody knows.
    private(set) var residentBytes: Int?

    /// Events between two looks at the clock: a few hundredths of a second.
    private static let eventsPerTurn = 20_000

    private final class Interruption: Sendable {
        let exit = Mutex<ProgramExit?>(nil)
    }

    init(_ options: SimulationOutputOptions) {
        self.options = options
        console = options.console
        pacer = SimulationPacer(console)
        Signals.onFirst { [interruption] exit in interruption.exit.withLock { $0 = exit } }
    }

    /// Carries out a scenario; throws the program's exit when a signal has stopped it.
    mutating func carryOut<S: Scenario>(_ scenario: consuming S) throws -> S.Report {
        var scenario = scenario
        residentBytes = nil
        while scenario.advance(events: Self.eventsPerTurn) {
            pacer.show(scenario.progress, now: MonotonicClock.now)
            noteMemory()
            if let exit = interruption.exit.withLock(\.self) {
                pacer.end()
                console.error("stopped in the middle: there is nothing to report")
                throw ExitCode(exit.rawValue)
            }
        }
        pacer.end()
        return scenario.finish()
    }

    /// Carries out `count` scenarios, up to `jobs` at a time on threads of their own; `done` hears of each in their
    /// order, with the time it took.
    mutating func carryOut<S: Scenario>(
        _ count: Int, jobs: Int, _ scenario: @escaping @Sendable (Int) throws -> S, done: (S.Report, Duration) -> Void
    ) async throws {
        guard jobs > 1 else {
            for number in 0..<count {
                let startedAt = elapsed
                let report = try carryOut(scenario(number))
                done(report, elapsed - startedAt)
            }
            return
        }
        let interruption = interruption
        try await withThrowingTaskGroup(of: (Int, S.Report, Duration).self) { group in
            var finished: [Int: (S.Report, Duration)] = [:]
            var (started, told) = (0, 0)
            while told < count {
                while started < min(count, told + finished.count + jobs) {
                    group.addTask { [started] in
                        let startedAt = MonotonicClock.now
                        var run = try scenario(started)
                        while run.advance(events: Self.eventsPerTurn) {
                            if let exit = interruption.exit.withLock(\.self) { throw ExitCode(exit.rawValue) }
                            await Task.yield()
                        }
                        return (started, run.finish(), startedAt.duration(to: MonotonicClock.now))
                    }
                    started += 1
                }
                guard let (number, report, wall) = try await group.next() else { return }
                finished[number] = (report, wall)
                while let (report, wall) = finished.removeValue(forKey: told) {
                    done(report, wall)
                    told += 1
                }
            }
        }
    }

    private mutating func noteMemory() {
        guard let bytes = ResidentSet.bytes, let start = residentAtStart else { return }
        residentBytes = max(residentBytes ?? 0, bytes - start)
    }

    var elapsed: Duration { startedAt.duration(to: MonotonicClock.now) }

    /// Says what came of it: `text` for people, or one JSON object that begins with schema, event, seed and commit, and
    /// ends with the time it took and the digest; the same into the file of `--out`.
    func report(
        _ event: String, digest: UInt64, text: [String], members: [JSONValue.Member], samples: [JSONValue.Member] = []
    ) throws {
        let hex = Hex.encode(withUnsafeBytes(of: digest.bigEndian) { Array($0) })
        let wall = elapsed.inSeconds
        let head: [JSONValue.Member] = [
            .init("seed", .string(String(options.seed))), .init("commit", .string(BuildCommit.name)),
        ]
        let tail: [JSONValue.Member] = [.init("wall_seconds", .number(wall)), .init("digest", .string(hex))]
        for line in text { console.result(line) }
        console.result("seed \(options.seed), commit \(BuildCommit.name), digest \(hex)")
        console.event(JSONLine(event: event, head + members + tail))
        if let path = options.out {
            let line = JSONLine(event: event, head + members + samples + tail)
            try OutputFile.write(line.text + "\n", to: path, console)
        }
    }
}
