import CommandSupport
import Glibc
import Metainfo
import Storage

/// `magnetget verify`: hashes what is on disk, and says which pieces and files are not what they should be.
struct VerifyCommand {
    private let torrent: String
    private let directory: String
    private let console: Console

    init(torrent: String, directory: String, _ console: Console) {
        self.torrent = torrent
        self.directory = directory
        self.console = console
    }

    func run() async -> ProgramExit {
        do throws(CommandFailure) {
            return try await verify()
        } catch {
            console.event(GetReport.error(error.message, status: error.status, source: torrent))
            console.error(error.message, advice: error.advice)
            return error.status
        }
    }

    private func verify() async throws(CommandFailure) -> ProgramExit {
        let info = try readInfo()
        try checkFolder(info)
        let paths = DiskPaths.of(info, in: directory)
        let files = paths.map { FileFinding(path: $0) }
        let hasher = DiskHasher(info, paths: paths)
        let hashing = DiskHashing(hasher, "checking", name: info.name, totalBytes: info.totalLength, console)
        let pieces: [DiskHasher.Finding]
        do {
            pieces = try await hashing.run()
        } catch {
            throw CommandFailure(error.status, "interrupted: not everything was checked")
        }
        let verdict = DiskVerdict(info, files: files, pieces: pieces)
        let report = VerifyReport(info, verdict)
        console.event(report.line)
        guard !verdict.isComplete else {
            console.success(report.summary)
            return .done
        }
        for line in report.lines { console.result(line) }
        console.error(report.summary)
        return verdict.status
    }

    private func readInfo() throws(CommandFailure) -> Info {
        let source: GetSource
        do {
            source = try GetSource(torrent)
        } catch {
            throw CommandFailure(error.status, error.message, advice: error.advice)
        }
        guard let info = source.info else {
            throw CommandFailure(
                .usage, "a magnet link does not say what its pieces are: verify needs the .torrent",
                advice: "magnetget meta fetches it")
        }
        return info
    }

    private func checkFolder(_ info: Info) throws(CommandFailure) {
        let shown = TerminalText.escaped(directory)
        var status = stat()
        guard stat(directory, &status) == 0 else {
            let code = errno
            let isAbsent = code == ENOENT || code == ENOTDIR
            let reason = String(cString: strerror(code))
            throw CommandFailure(isAbsent ? .usage : .disk, "cannot look into \(shown): \(reason)")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw CommandFailure(.usage, "\(shown) is not a folder", advice: "name the folder that holds the data")
        }
        let name = FileLayout.name(for: info)
        guard !info.isSingleFile, access(directory + "/" + name, F_OK) != 0,
            directory.split(separator: "/").last.map(String.init) == name
        else { return }
        console.note("there is no \(TerminalText.escaped(name)) in \(shown): DIR is the folder that holds it")
    }
}
