import Client
import Metainfo
import Primitives
import Swarm

extension GetEvent {
    /// How much somebody wants to know before an event is shown: 0 always, 1 with `-v`.
    package var verbosity: Int {
        switch self {
        case .metadata, .metadataRejected, .tracker(.warning): 0
        default: 1
        }
    }

    /// One line for people, escaped.
    package var text: String {
        switch self {
        case .lookupStarted: "looking for peers in the DHT"
        case .peerFound(let endpoint, let source): "peer \(endpoint) found (\(source.rawValue))"
        case .tracker(let report): TerminalText.escaped(Self.text(of: report))
        case .peerConnected(let endpoint): "peer \(endpoint) connected"
        case .peerLost(let endpoint, let loss): "peer \(endpoint) \(Self.text(of: loss))"
        case .metadata(let info, let selected): Self.text(of: info, selected)
        case .metadataRejected(let peers):
            "metadata from \(HumanText.count(peers, "peer")) does not match the infohash: thrown away"
        case .pieceFailed(let piece): "piece \(piece) does not match its hash: fetched again"
        case .announced(let nodes): "announced to \(HumanText.count(nodes, "node"))"
        case .fileCompleted(let index, let info):
            "complete: \(TerminalText.escaped(info.files[index].path.joined(separator: "/")))"
        case .completed(_, let timings, let totals):
            "complete: \(HumanText.size(totals.size)) verified in "
                + "\(HumanText.seconds(timings.complete ?? .zero)), \(HumanText.size(totals.downloaded)) downloaded"
        }
    }

    private static func text(of info: Info, _ selected: SelectedFiles) -> String {
        let stored = info.files.count { $0.isStored }
        let size = info.files.reduce(0) { $0 + ($1.isPadding ? 0 : $1.length) }
        var text = "metadata: \(TerminalText.escaped(info.name)), \(HumanText.size(size)) in "
        text += "\(HumanText.count(stored, "file")), \(HumanText.count(info.pieceCount, "piece")) of "
        text += HumanText.size(info.pieceLength)
        if !selected.isEverything {
            text += "; selected: \(HumanText.count(selected.files.setCount, "file")), "
            text += HumanText.size(selected.byteCount)
        }
        let links = info.files.count { $0.isSymbolicLink }
        if links > 0 { text += "; \(HumanText.count(links, "symbolic link")) left out" }
        for wish in selected.unmatched.prefix(3) { text += "; nothing is \(TerminalText.escaped("'\(wish)'"))" }
        return text
    }

    private static func text(of report: TrackerReport) -> String {
        switch report {
        case .answered(let url, let peers, let seeders, let leechers):
            var text = "tracker \(url): \(HumanText.count(peers, "peer"))"
            if let seeders { text += ", \(HumanText.count(seeders, "seed")) in all" }
            if let leechers { text += ", \(leechers) downloading" }
            return text
        case .scraped(let url, let seeders, let leechers):
            return "tracker \(url) counts \(HumanText.count(seeders, "seed")), \(leechers) downloading"
        case .warning(let url, let warning): return "tracker \(url) warns: \(warning)"
        case .failed(let url, let reason): return "tracker \(url) failed: \(reason)"
        }
    }

    private static func text(of loss: PeerLoss) -> String {
        switch loss {
        case .unreachable: "refused the connection"
        case .timedOut: "did not answer"
        case .closed: "closed the connection"
        case .protocolViolation(let fault?): "dropped: broke the protocol (\(fault))"
        case .protocolViolation(nil): "dropped: its encrypted opening is broken"
        case .badData: "banned for an hour: gave data that fails its hash"
        case .redundant: "dropped: not needed"
        case .duplicate: "dropped: there is another connection to the same peer"
        case .displaced: "dropped: its place went to another"
        case .foreign: "dropped: the torrent is private, and no tracker named it"
        case .ourselves: "is ourselves"
        case .idle: "dropped: silent for too long"
        }
    }
}
