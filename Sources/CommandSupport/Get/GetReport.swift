import Client
import Metainfo
package import Primitives
package import Swarm

/// What a download tells, as lines for machines (docs/reference/json.md) and for people.
///
/// Every line for machines names its torrent by `info_hash`: several may run at once.
package struct GetReport: Sendable {
    private let infoHash: InfoHash

    package init(infoHash: InfoHash) {
        self.infoHash = infoHash
    }

    package func line(for event: GetEvent) -> JSONLine? {
        switch event {
        case .lookupStarted: line("lookup_started")
        case .peerFound(let endpoint, let source):
            line("peer_found", .init("peer", .string(endpoint.description)), .init("source", .string(source.rawValue)))
        case .tracker(let report): tracker(report)
        case .metadata(let info, let selected): metadata(info, selected)
        case .announced(let nodes): line("announced", .init("nodes", .integer(nodes)))
        case .fileCompleted(let index, let info): fileCompleted(info, index)
        case .completed(let info, let timings, let totals): completed(info, timings, totals)
        // Single connections come and go by the hundred; `progress` counts them.
        case .peerConnected, .peerLost, .metadataRejected, .pieceFailed: nil
        }
    }

    package func progress(_ snapshot: TorrentSnapshot, _ counts: TrackerCounts = TrackerCounts()) -> JSONLine {
        let count = { (number: Int?) in number.map { JSONValue.integer($0) } ?? .null }
        let eta = snapshot.timeLeft.map { JSONValue.number($0.inSeconds) }
        return line(
            "progress",
            .init("done_bytes", .integer(snapshot.verifiedBytes)),
            .init("total_bytes", .integer(snapshot.totalBytes)),
            .init("downloaded_bytes", .integer(snapshot.downloadedBytes)),
            .init("uploaded_bytes", .integer(snapshot.uploadedBytes)),
            .init("download_rate", .integer(Int(snapshot.downloadRate))),
            .init("upload_rate", .integer(Int(snapshot.uploadRate))),
            .init("peers", .integer(snapshot.peersConnected)),
            .init("peers_found", .integer(snapshot.peersKnown)),
            .init("tracker_seeds", count(counts.seeds)),
            .init("tracker_leechers", count(counts.leechers)),
            .init("eta", eta ?? .null))
    }

    package func error(_ outcome: GetOutcome) -> JSONLine {
        line(
            "error",
            .init("code", .integer(Int(outcome.status.rawValue))),
            .init("stage", .string(outcome.stage.rawValue)),
            .init("message", .string(outcome.message)),
            .init("advice", outcome.advice.map { .string($0) } ?? .null))
    }

    /// A .torrent file was written, or was there.
    package func saved(_ path: String) -> JSONLine { line("saved", .init("path", .string(path))) }

    /// The metadata is here, and could not be written.
    package func error(_ failure: CommandFailure) -> JSONLine {
        error(GetOutcome(failure.status, at: .finished, failure.message, advice: failure.advice))
    }

    /// A source that could not even be begun with.
    package static func error(_ message: String, status: ProgramExit, source: String) -> JSONLine {
        JSONLine(
            event: "error",
            [
                .init("source", .string(source)), .init("code", .integer(Int(status.rawValue))),
                .init("stage", .string("source")), .init("message", .string(message)), .init("advice", .null),
            ])
    }

    private func metadata(_ info: Info, _ selected: SelectedFiles) -> JSONLine {
        let files = info.files.indices.filter { !info.files[$0].isPadding }.map { index in
            JSONValue.object([
                .init("index", .integer(index)), .init("path", Self.path(info.files[index])),
                .init("size", .integer(info.files[index].length)), .init("selected", .bool(selected.files[index])),
            ])
        }
        return line(
            "metadata",
            .init("name", .string(info.name)),
            .init("size", .integer(info.totalLength)),
            .init("selected_bytes", .integer(selected.byteCount)),
            .init("piece_length", .integer(info.pieceLength)),
            .init("piece_count", .integer(info.pieceCount)),
            .init("files", .array(files)))
    }

    private func tracker(_ report: TrackerReport) -> JSONLine {
        let count = { (number: Int?) in number.map { JSONValue.integer($0) } ?? .null }
        switch report {
        case .answered(let url, let peers, let seeders, let leechers):
            return line(
                "tracker", .init("url", .string(url)), .init("status", .string("answered")),
                .init("peers", .integer(peers)), .init("seeds", count(seeders)), .init("leechers", count(leechers)))
        case .scraped(let url, let seeders, let leechers):
            return line(
                "tracker", .init("url", .string(url)), .init("status", .string("scraped")),
                .init("seeds", .integer(seeders)), .init("leechers", .integer(leechers)))
        case .warning(let url, let message):
            return line(
                "tracker", .init("url", .string(url)), .init("status", .string("warning")),
                .init("message", .string(message)))
        case .failed(let url, let message):
            return line(
                "tracker", .init("url", .string(url)), .init("status", .string("failed")),
                .init("message", .string(message)))
        }
    }

    private func fileCompleted(_ info: Info, _ index: Int) -> JSONLine {
        let file = info.files[index]
        return line(
            "file_completed", .init("index", .integer(index)), .init("path", Self.path(file)),
            .init("size", .integer(file.length)))
    }

    private func completed(_ info: Info, _ timings: GetTimings, _ totals: GetTotals) -> JSONLine {
        let seconds = { (moment: Duration?) in moment.map { JSONValue.number($0.inSeconds) } ?? .null }
        return line(
            "completed",
            .init("name", .string(info.name)),
            .init("size", .integer(totals.size)),
            .init("downloaded_bytes", .integer(totals.downloaded)),
            .init("uploaded_bytes", .integer(totals.uploaded)),
            .init("wasted_bytes", .integer(totals.wasted)),
            .init(
                "timings",
                .object([
                    .init("first_node", seconds(timings.firstNode)),
                    .init("first_peer", seconds(timings.firstPeer)),
                    .init("first_connection", seconds(timings.firstConnection)),
                    .init("metadata", seconds(timings.metadata)),
                    .init("first_piece", seconds(timings.firstPiece)),
                    .init("complete", seconds(timings.complete)),
                ])))
    }

    private func line(_ event: String, _ members: JSONValue.Member...) -> JSONLine {
        JSONLine(event: event, [.init("info_hash", .string(infoHash.hex))] + members)
    }

    private static func path(_ file: Info.File) -> JSONValue {
        .array(file.path.map { .string($0) })
    }
}

extension TorrentSnapshot {
    /// At the present rate; nil when nothing moves, or nothing is known.
    package var timeLeft: Duration? {
        guard totalBytes > 0, stage != .opening else { return nil }
        guard verifiedBytes < totalBytes else { return .zero }
        guard downloadRate >= 1 else { return nil }
        return .seconds(Double(totalBytes - verifiedBytes) / downloadRate)
    }
}
