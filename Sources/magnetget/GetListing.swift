import CommandSupport
import Metainfo
import Storage

/// `--list`: the files of a torrent, where they would be written.
struct GetListing {
    private let console: Console

    init(_ console: Console) {
        self.console = console
    }

    /// For a .torrent file, whose metadata no run has reported.
    func show(_ info: Info) {
        let event = GetEvent.metadata(info)
        console.event(GetReport(infoHash: info.infoHash).line(for: event))
        console.note(event.text)
        showFiles(of: info)
    }

    /// One line a file: size and path, always escaped, since a line break in a name would forge a line.
    func showFiles(of info: Info) {
        let layout = FileLayout(info: info)
        let sizes = info.files.map { HumanText.size($0.length) }
        let width = sizes.map(\.count).max() ?? 0
        for (index, size) in sizes.enumerated() {
            let path = layout.path(ofFile: index).joined(separator: "/")
            let padding = String(repeating: " ", count: width - size.count)
            console.result("\(padding)\(size)  \(TerminalText.escaped(path))")
        }
    }
}
