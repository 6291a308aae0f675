import Foundation
import Glibc
import Testing

/// A process that a test started: its output so far, its end, and the signals that bring that about.
final class Child {
    let command: [String]
    let pid: pid_t
    private let logs: String
    private let input: Line?
    private let started = ContinuousClock.now
    private var ended: (code: Int32, seconds: Double)?

    /// Standard output and error go to files whose names begin with `logs`.
    init(
        _ command: [String], logs: String, hasInput: Bool = false,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        let line = hasInput ? try Line() : nil
        pid = try spawn(
            command, input: line?.far, output: logs + ".out", errors: logs + ".err", environment: environment)
        self.command = command
        self.logs = logs
        input = line
        input?.closeFar()
        Leash.hold(pid)
    }

    deinit { kill() }

    // MARK: What it says

    var output: String { (try? String(contentsOfFile: logs + ".out", encoding: .utf8)) ?? "" }
    var errors: String { (try? String(contentsOfFile: logs + ".err", encoding: .utf8)) ?? "" }

    /// The lines of output that are complete, each a JSON object.
    func events() throws -> [JSON] {
        guard let end = output.lastIndex(of: "\n") else { return [] }
        return try output[..<end].split(separator: "\n").map { line in
            do {
                return try JSON(line: line)
            } catch {
                throw Trouble("no JSON: \(line)")
            }
        }
    }

    /// The first line of events, from the one at index `first` on, that is of this kind.
    @discardableResult
    func wait(for event: String, from first: Int = 0, within seconds: Double = 30) async throws -> JSON {
        try await wait(for: "'\(event)'", within: seconds) {
            try events().dropFirst(first).first { $0.event == event }
        }
    }

    /// What `look` finds, as soon as it finds it; the process must not end before.
    ///
    /// `seconds` is what it takes on a quiet machine at most: see `Machine.patience`.
    @discardableResult
    func wait<Value>(for what: String, within seconds: Double, _ look: () async throws -> Value?) async throws -> Value
    {
        let limit = ContinuousClock.now + .seconds(seconds * Machine.patience)
        while true {
            let isOver = !isRunning || ContinuousClock.now > limit
            if let value = try await look() { return value }
            guard !isOver else { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        let how = ended.map { "ended with \($0.code) before" } ?? "did not, in \(seconds * Machine.patience) s, say"
        throw Trouble("\(name) \(how) \(what)\n\(story)")
    }

    private var age: Duration { ContinuousClock.now - started }
    private var name: String { URL(filePath: command[0]).lastPathComponent }

    private var story: String {
        "\(command.joined(separator: " "))\n--- output\n\(output.suffix(2_000))\n--- errors\n\(errors.suffix(4_000))"
    }

    // MARK: How it ends

    var isRunning: Bool {
        reap(WNOHANG)
        return ended == nil
    }

    func send(_ signal: CInt) {
        if isRunning { _ = Glibc.kill(pid, signal) }
    }

    func write(_ line: String) { input?.write(line) }

    /// Sends a command, and waits for the event that answers it.
    func ask(_ command: String, for event: String, within seconds: Double = 10) async throws -> JSON {
        let count = try events().count
        write(command)
        return try await wait(for: event, from: count, within: seconds)
    }

    /// Its end, which must come within this time from now on a quiet machine: see `Machine.patience`.
    func end(within seconds: Double) async throws -> Ending {
        let seconds = seconds * Machine.patience
        let limit = ContinuousClock.now + .seconds(seconds)
        while isRunning {
            guard ContinuousClock.now < limit else {
                kill()
                throw Trouble("\(name) was still running after \(seconds) s\n\(story)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        let (code, life) = ended ?? (-1, 0)
        return Ending(command: command, code: code, seconds: life, output: output, errors: errors)
    }

    /// The exit code, or nil when it took longer and was killed.
    func waitBlocking(seconds: Double) -> Int32? {
        while isRunning, age < .seconds(seconds) { usleep(5_000) }
        defer { kill() }
        return ended?.code
    }

    func kill() {
        guard isRunning else { return }
        _ = Glibc.kill(pid, SIGKILL)
        reap(0)
    }

    func removeLogs() {
        unlink(logs + ".out")
        unlink(logs + ".err")
    }

    private func reap(_ options: CInt) {
        var status: CInt = 0
        guard ended == nil, waitpid(pid, &status, options) == pid else { return }
        let signal = status & 0x7f
        let life = age
        ended = (signal == 0 ? (status >> 8) & 0xff : 128 + signal, life / .seconds(1))
        Leash.release(pid)
    }
}

/// How a process ended, and all that it said.
struct Ending: CustomStringConvertible {
    let command: [String]
    /// 128 + the signal that killed it, as a shell has it.
    let code: Int32
    /// From its start to its end.
    let seconds: Double
    let output: String
    let errors: String

    var description: String {
        "exit \(code) after \(seconds) s: \(command.joined(separator: " "))\n"
            + "--- output\n\(output.suffix(2_000))\n--- errors\n\(errors.suffix(2_000))"
    }

    var comment: Comment { Comment(rawValue: description) }

    /// Every line of output, each of which must be a JSON object.
    func events() throws -> [JSON] {
        try output.split(separator: "\n").map { try JSON(line: $0) }
    }

    func event(_ kind: String) throws -> JSON? { try events().last { $0.event == kind } }
}
