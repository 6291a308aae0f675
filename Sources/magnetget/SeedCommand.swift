import CommandSupport
import Metainfo
import Primitives

/// `magnetget seed`: sees that everything is there, and then serves it as a finished download would.
struct SeedCommand {
    private let configuration: GetConfiguration
    private let console: Console

    init(_ configuration: GetConfiguration, _ console: Console) {
        self.configuration = configuration
        self.console = console
    }

    func run() async -> ProgramExit {
        let text = configuration.sources.first ?? ""
        do throws(CommandFailure) {
            return Self.exit(of: try await seed(text))
        } catch {
            console.event(GetReport.error(error.message, status: error.status, source: text))
            console.error(error.message, advice: error.advice)
            return error.status
        }
    }

    /// For a daemon a signal is a clean stop, whatever it was at.
    private static func exit(of status: ProgramExit) -> ProgramExit {
        status == .interrupted || status == .terminated ? .done : status
    }

    private func seed(_ text: String) async throws(CommandFailure) -> ProgramExit {
        let source: GetSource
        do {
            source = try await SourceReader(configuration, console).read(text)
        } catch {
            throw CommandFailure(error.status, error.message, advice: error.advice)
        }
        guard let info = source.info else {
            if configuration.lacksEverySource(source) {
                throw CommandFailure(
                    .usage, "nobody to ask for the metadata of \(source.infoHash.hex)",
                    advice: configuration.missingSourceAdvice)
            }
            let (status, fetched) = await metadata(of: source)
            guard let fetched else { return status }
            return try await serve(source.with(fetched), fetched)
        }
        return try await serve(source, info)
    }

    /// From peers; the status when there is none.
    private func metadata(of source: GetSource) async -> (ProgramExit, Info?) {
        var configuration = configuration
        configuration.goal = .metadata
        configuration.seedsOnly = false
        configuration.listsFiles = false
        let runs = await GetSession(configuration, sources: [source], console).finishedRuns()
        return (runs.first?.outcome?.status ?? .failure, runs.first?.info)
    }

    private func serve(_ source: GetSource, _ info: Info) async throws(CommandFailure) -> ProgramExit {
        try checkSizes(info)
        let exits = await GetSession(configuration, sources: [source], console).run()
        return exits[source.infoHash] ?? .failure
    }

    /// Before anything is opened: a file that is missing must not be taken for one that is to be fetched.
    private func checkSizes(_ info: Info) throws(CommandFailure) {
        let files = DiskPaths.of(info, in: configuration.directory).map { FileFinding(path: $0) }
        let verdict = DiskVerdict(info, sizesOf: files)
        guard !verdict.isComplete else { return }
        for line in VerifyReport(info, verdict).lines { console.note(line) }
        let count = HumanText.count(verdict.files.count, "file")
        throw CommandFailure(
            verdict.status,
            "\(TerminalText.escaped(info.name)) is not all there: \(count) missing, unreadable or of another size",
            advice: "magnetget get fetches what is missing; DIR is the folder that holds the torrent's file or folder")
    }
}
