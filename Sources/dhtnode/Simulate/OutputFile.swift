import ArgumentParser
import CommandSupport
import Glibc

/// Writes a report or a plot, or ends the program with the reason why not.
enum OutputFile {
    static func write(_ text: String, to path: String, _ console: Console) throws {
        guard let file = fopen(path, "we") else { throw failure(path, console) }
        let bytes = Array(text.utf8)
        let written = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, written == bytes.count else { throw failure(path, console) }
    }

    private static func failure(_ path: String, _ console: Console) -> ExitCode {
        let reason = String(cString: strerror(errno))
        console.error("cannot write \(TerminalText.escaped(path)): \(reason)")
        return ExitCode(ProgramExit.disk.rawValue)
    }
}
