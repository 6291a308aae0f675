import CommandSupport
import Metainfo

/// Metadata that has arrived becomes a .torrent file, where one was asked for.
extension GetSession {
    mutating func save(_ info: Info, _ index: Int) {
        guard let saver = configuration.saver else { return }
        let source = sources[index].with(info)
        do {
            let path = try saver.save(source, console)
            SavedTorrent(source, path: path).report(
                isResult: configuration.goal == .metadata && !configuration.listsFiles, console)
        } catch {
            saveFailures[index] = error
            // Where metadata was all that was wanted, the run has ended by now, and the failure is told instead.
            runs[index].gaveUp(error.status, because: error.message, advice: error.advice)
        }
    }

    /// The last words on a source of which only the metadata was wanted, and is here.
    func reportMetadataOnly(_ index: Int, _ info: Info) {
        if let failure = saveFailures[index] {
            console.event(GetReport(infoHash: info.infoHash).error(failure))
            console.error(failure.message, advice: failure.advice)
        } else if configuration.listsFiles {
            GetListing(console).showFiles(of: info, runs[index].selected ?? SelectedFiles(allOf: info))
        }
    }
}

/// A .torrent file that is there now.
struct SavedTorrent {
    private let source: GetSource
    private let path: String?

    init(_ source: GetSource, path: String?) {
        self.source = source
        self.path = path
    }

    /// As the result of the command, or as a remark on the way to it.
    func report(isResult: Bool, _ console: Console) {
        guard let path else { return }
        console.event(GetReport(infoHash: source.infoHash).saved(path))
        if isResult {
            console.result(path)
        } else {
            console.note("saved \(TerminalText.escaped(path))")
        }
    }
}
