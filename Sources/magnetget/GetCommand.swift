import CommandSupport
import Kademlia
import Metainfo
import Primitives
import Storage
import Transport

/// `magnetget get`: sources are read, a host is started, a session runs until every source has an end.
struct GetCommand {
    private let configuration: GetConfiguration
    private let console: Console

    init(_ configuration: GetConfiguration, _ console: Console) {
        self.configuration = configuration
        self.console = console
    }

    /// One source on the command line, and what it is.
    private struct Entry {
        let text: String
        let source: Result<GetSource, GetSource.Failure>
    }

    func run() async -> ProgramExit {
        guard configuration.isScratch else { return await runInPlace() }
        do {
            let folder = try ScratchFolder()
            defer { folder.remove() }
            var configuration = configuration
            configuration.directory = folder.path
            return await GetCommand(configuration, console).runInPlace()
        } catch {
            console.error(error.message, advice: error.advice)
            return error.status
        }
    }

    private func runInPlace() async -> ProgramExit {
        var entries: [Entry] = []
        let reader = SourceReader(configuration, console)
        for text in configuration.sources {
            do {
                entries.append(Entry(text: text, source: .success(try await reader.read(text))))
            } catch {
                entries.append(Entry(text: text, source: .failure(error)))
            }
        }
        for entry in entries {
            if case .failure(let failure) = entry.source { report(failure, of: entry) }
        }
        let sources = entries.compactMap { try? $0.source.get() }
        if let first = sources.first(where: { configuration.lacksEverySource($0) }) {
            console.error("nobody to ask for \(first.infoHash.hex)", advice: configuration.missingSourceAdvice)
            return .usage
        }
        let exits = await get(unique(sources))
        if let signalled = exits.values.first(where: { $0 == .interrupted || $0 == .terminated }) { return signalled }
        let all = entries.map { entry in
            switch entry.source {
            case .success(let source): exits[source.infoHash] ?? .failure
            case .failure(let failure): failure.status
            }
        }
        return all.first { $0 != .done } ?? .done
    }

    private func report(_ failure: GetSource.Failure, of entry: Entry) {
        let prefix = configuration.sources.count > 1 ? shown(entry.text) + ": " : ""
        console.event(GetReport.error(failure.message, status: failure.status, source: entry.text))
        console.error(prefix + failure.message, advice: failure.advice)
    }

    private func shown(_ source: String) -> String { TerminalText.truncated(TerminalText.escaped(source), to: 60) }

    /// The same torrent named twice is one download.
    private func unique(_ sources: [GetSource]) -> [GetSource] {
        var seen: Set<InfoHash> = []
        return sources.filter { seen.insert($0.infoHash).inserted }
    }

    /// The exits by infohash.
    private func get(_ sources: [GetSource]) async -> [InfoHash: ProgramExit] {
        var exits: [InfoHash: ProgramExit] = [:]
        var wanted: [GetSource] = []
        for source in sources {
            if let saver = configuration.saver, source.info != nil || wantsOnlyTorrents && saver.isSaved(source) {
                exits[source.infoHash] = save(source, saver)
                if wantsOnlyTorrents || exits[source.infoHash] != .done { continue }
            }
            if configuration.goal == .metadata, let info = source.info {
                exits[source.infoHash] = list(info, of: source)
            } else {
                wanted.append(source)
            }
        }
        guard !wanted.isEmpty else { return exits }
        let session = GetSession(configuration, sources: wanted, console)
        exits.merge(await session.run()) { $1 }
        return exits
    }

    private func list(_ info: Info, of source: GetSource) -> ProgramExit {
        let run = GetRun(GetSession.plan(for: source, configuration), now: MonotonicClock.now)
        if let outcome = run.outcome {
            console.event(GetReport(infoHash: info.infoHash).error(outcome))
            console.error(outcome.message, advice: outcome.advice)
            return outcome.status
        }
        GetListing(console).show(info, run.selected ?? SelectedFiles(allOf: info))
        return .done
    }

    private var wantsOnlyTorrents: Bool { configuration.goal == .metadata && !configuration.listsFiles }

    /// For what no run has to fetch: a .torrent file, or what an earlier run has saved.
    private func save(_ source: GetSource, _ saver: TorrentSaver) -> ProgramExit {
        do {
            let path = source.info == nil ? saver.path(for: source) : try saver.save(source, console)
            SavedTorrent(source, path: path).report(isResult: wantsOnlyTorrents, console)
            return .done
        } catch {
            console.event(GetReport(infoHash: source.infoHash).error(error))
            console.error(error.message, advice: error.advice)
            return error.status
        }
    }
}
