import CommandSupport
import Glibc
import Metainfo
import Primitives

/// `--stdout`: the one file on its way to standard output.
extension GetSession {
    mutating func beginStream(_ have: Bitfield, _ index: Int) {
        guard configuration.streams, stream == nil, runs[index].outcome == nil, let feed, let info = runs[index].info,
            let file = runs[index].selected?.files.setIndices.first(where: { _ in true })
        else { return }
        let stream = FileStream(info, file: file, in: configuration.directory) { feed.yield(.streamed($0)) }
        stream.verified(have.setIndices)
        self.stream = stream
    }

    /// Whether the torrent is done, and standard output not.
    var isStreaming: Bool {
        stream != nil && streamEnding == nil && streamExit == nil && runs.allSatisfy { $0.outcome?.status == .done }
    }

    mutating func streamed(_ ending: FileStream.Ending) {
        streamEnding = ending
        switch ending {
        case .complete: break
        case .readerGone:
            streamExit = .brokenPipe
            for index in runs.indices { runs[index].readerWent() }
        case .failed(let code):
            let reason = String(cString: strerror(code))
            if runs.allSatisfy({ $0.outcome?.status == .done }) { console.error("standard output: \(reason)") }
            streamExit = .disk
            for index in runs.indices { runs[index].gaveUp(.disk, because: "standard output: \(reason)") }
        }
    }

    /// A signal has come: a reader that does not read is not waited for.
    mutating func stopStream(_ exit: ProgramExit) {
        guard let stream, streamEnding == nil else { return }
        stream.cancel()
        streamExit = exit
    }
}
