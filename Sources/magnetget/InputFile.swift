import CommandSupport
import Glibc

/// The file that `--input` names.
enum InputFile {
    static func sources(_ path: String) throws(CommandFailure) -> [String] {
        SourceList.parse(String(decoding: try read(path), as: UTF8.self))
    }

    private static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        let shown = TerminalText.escaped(path)
        if path == "-" { return try readStandardInput() }
        do {
            return try FileContents.read(path, limitBytes: SourceList.limitBytes)
        } catch {
            throw failure(error, shown)
        }
    }

    private static func failure(_ failure: FileContents.Failure, _ path: String) -> CommandFailure {
        switch failure {
        case .noSuchFile: CommandFailure(.usage, "there is no file \(path)")
        case .noFile: CommandFailure(.usage, "\(path) is not a file", advice: "--input - reads standard input")
        case .tooLarge: CommandFailure(.usage, "\(path) is larger than \(HumanText.size(SourceList.limitBytes))")
        case .system(let code): CommandFailure(.disk, "cannot read \(path): \(String(cString: strerror(code)))")
        }
    }

    private static func readStandardInput() throws(CommandFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= SourceList.limitBytes {
            let count = Glibc.read(STDIN_FILENO, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count > 0 {
                bytes += buffer[..<count]
            } else if errno != EINTR {
                throw CommandFailure(.disk, "cannot read standard input: \(String(cString: strerror(errno)))")
            }
        }
        throw CommandFailure(.usage, "standard input is larger than \(HumanText.size(SourceList.limitBytes))")
    }
}
