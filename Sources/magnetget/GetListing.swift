import CommandSupport
import Metainfo
import Primitives
import Storage

/// `--list`: the files of a torrent, where they would be written.
struct GetListing {
    private let console: Console

    init(_ console: Console) {
        self.console = console
    }

    /// For a .torrent file, whose metadata no run has reported.
    func show(_ info: Info, _ selected: SelectedFiles) {
        let event = GetEvent.metadata(info, selected)
        console.event(GetReport(infoHash: info.infoHash).line(for: event))
        console.note(event.text)
        showFiles(of: info, selected)
    }

    /// One line a file: its number, a star where not all are selected and it is, its size and its path, always escaped,
    /// since a line break in a name would forge a line.
    func showFiles(of info: Info, _ selected: SelectedFiles) {
        let layout = FileLayout(info: info)
        let shown = info.files.indices.filter { !info.files[$0].isPadding }
        let sizes = shown.map { HumanText.size(info.files[$0].length) }
        let widths = (number: "\((shown.last ?? 0) + 1)".count, size: sizes.map(\.count).max() ?? 0)
        for (index, size) in zip(shown, sizes) {
            let mark = selected.isEverything ? "" : selected.files[index] ? "* " : "  "
            let path = TerminalText.escaped(layout.path(ofFile: index).joined(separator: "/"))
            let note = info.files[index].isSymbolicLink ? "  (symbolic link, left out)" : ""
            console.result(
                "\(padded("\(index + 1)", widths.number))  \(mark)\(padded(size, widths.size))  \(path)\(note)")
        }
    }

    private func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
