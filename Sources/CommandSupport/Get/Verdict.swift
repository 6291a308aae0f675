import Metainfo
import Primitives
import Swarm

/// The last words of a run: what happened, with the evidence, and what to try next.
struct Verdict {
    typealias Words = (message: String, advice: String?)

    private let run: GetRun
    private var limits: StageLimits { run.plan.limits }

    init(_ run: GetRun) {
        self.run = run
    }

    var stageTimeOver: Words {
        switch run.stage {
        case .bootstrap: noDHT(within: limits.bootstrap)
        case .peers: noPeers(within: limits.peers)
        case .metadata: noMetadata(within: limits.metadata)
        case .checking, .downloading: stalled("nothing arrived for \(HumanText.seconds(limits.stall))")
        case .seeding: seedTimeOver
        case .finished: completed
        }
    }

    /// The whole run's time is over: the stage that it had reached says why.
    func wholeTimeOver(_ total: Duration) -> Words {
        switch run.stage {
        case .bootstrap: noDHT(within: total)
        case .peers: noPeers(within: total)
        case .metadata: noMetadata(within: total)
        case .checking, .downloading: stalled("not complete after \(HumanText.seconds(total))")
        case .seeding: seeded
        case .finished: completed
        }
    }

    private func noDHT(within limit: Duration) -> Words {
        let count = run.plan.bootstrapNodes
        let nobody = count == 1 ? "the bootstrap node has not" : "none of \(count) bootstrap nodes has"
        let queries = HumanText.count(run.nodes.queriesSent, "query", "queries")
        return (
            "no DHT: \(nobody) answered within \(HumanText.seconds(limit)) (\(queries) sent)",
            "check that UDP may leave this network; name a live node with --bootstrap HOST:PORT, or a peer with "
                + "--peer HOST:PORT"
        )
    }

    private func noPeers(within limit: Duration) -> Words {
        let infoHash = run.plan.infoHash.hex
        guard run.plan.usesDHT || run.plan.trackers > 0 else {
            return ("no peers: nobody to ask for \(infoHash)", "name a peer with --peer, or leave out --no-dht")
        }
        return (
            "no peers: nobody knew a peer of \(infoHash) within \(HumanText.seconds(limit)); \(asked)",
            "the torrent may have no seed left, or the infohash may be wrong; wait longer with --peers-timeout, "
                + "or name a peer with --peer HOST:PORT"
        )
    }

    private func noMetadata(within limit: Duration) -> Words {
        var message = "no metadata within \(HumanText.seconds(limit)): \(peers)"
        message += ", \(run.snapshot.metadataOffers) offered metadata"
        if run.evidence.metadataRejections > 0 {
            message += ", \(run.evidence.metadataRejections) times it did not match the infohash"
        }
        if !asked.isEmpty { message += "; \(asked)" }
        return (message, "peers come and go: try again later, or wait longer with --metadata-timeout")
    }

    private func stalled(_ what: String) -> Words {
        (
            "stalled: \(what); \(verified); \(peers), \(run.snapshot.peersServing) sending",
            "\(kept); run the same command again to go on, or wait longer with --stall-timeout"
        )
    }

    /// The storage's reasons say themselves what to do.
    func storageFailed(_ reason: String) -> Words {
        (run.snapshot.verifiedBytes > 0 ? "\(reason) (\(verified))" : reason, nil)
    }

    func metadataUnusable(_ error: MetainfoError) -> Words {
        (
            "the metadata has the right infohash, but is no usable torrent: \(error)",
            "every peer of this infohash has the same metadata: look for another torrent"
        )
    }

    func nothingSelected(_ mismatch: FileSelection.Mismatch) -> Words {
        (
            "nothing is selected: " + TerminalText.escaped(mismatch.description),
            "--list shows all files and their numbers"
        )
    }

    /// Standard output takes one file.
    func notOneFile(_ selected: SelectedFiles) -> Words {
        let count = HumanText.count(selected.files.setCount, "file")
        return (
            "--stdout is for one file, and this is \(count) of \(TerminalText.escaped(run.info?.name ?? ""))",
            "choose one with --select; --list shows all files and their numbers"
        )
    }

    var interrupted: Words {
        guard run.info != nil else {
            let words = asked.isEmpty ? peers : "\(peers); \(asked)"
            return ("interrupted before the metadata was there: \(words)", "run the same command again to start over")
        }
        return ("interrupted: \(verified)", "\(kept); run the same command again to go on")
    }

    var metadataHere: Words { ("the metadata is here", nil) }

    var completed: Words {
        ("complete: \(HumanText.size(run.wantedBytes)), every piece verified", nil)
    }

    var seeded: Words {
        ("stopped seeding: \(HumanText.size(run.snapshot.uploadedBytes)) uploaded", nil)
    }

    private var seedTimeOver: Words {
        let time = run.plan.seedLimits.time.map { " after \(HumanText.seconds($0))" } ?? ""
        return ("stopped seeding\(time): \(HumanText.size(run.snapshot.uploadedBytes)) uploaded", nil)
    }

    var ratioReached: Words {
        let size = HumanText.size(run.wantedBytes)
        return ("stopped seeding: \(HumanText.size(run.snapshot.uploadedBytes)) uploaded of a torrent of \(size)", nil)
    }

    /// `seed` found too little.
    func notAllThere(pieces: Int, of all: Int) -> Words {
        (
            "\(TerminalText.escaped(run.info?.name ?? "")) is not all there: "
                + "\(pieces) of \(HumanText.count(all, "piece")) verified",
            "magnetget verify says what is missing, magnetget get fetches it"
        )
    }

    /// `seed` found something else.
    func wrongContent(path: String) -> Words {
        (
            "\(TerminalText.escaped(path)) is not what the torrent says",
            "magnetget verify says which pieces are wrong"
        )
    }

    // MARK: Evidence

    /// Whoever names peers, and what they said.
    private var asked: String {
        ([trackers] + [run.plan.usesDHT ? dht : nil]).compactMap { $0 }.joined(separator: "; ")
    }

    private var trackers: String? {
        guard run.plan.trackers > 0 else { return nil }
        var text = "\(run.evidence.trackersAnswered.count) of \(HumanText.count(run.plan.trackers, "tracker")) answered"
        if let failure = run.evidence.trackerFailure { text += " (\(TerminalText.escaped(failure)))" }
        return text
    }

    private var dht: String {
        guard run.nodes.answers > 0 else { return "no DHT node answered" }
        let queries = HumanText.count(run.nodes.queriesSent, "query", "queries")
        return "\(HumanText.count(run.nodes.answers, "answer")) to \(queries) in the DHT"
    }

    private var peers: String {
        var text = HumanText.count(run.evidence.peersFound.count, "peer") + " found"
        text += ", \(run.snapshot.peersConnected) connected"
        if run.evidence.connectionsRefused > 0 { text += ", \(run.evidence.connectionsRefused) refused" }
        if run.evidence.connectionsTimedOut > 0 { text += ", \(run.evidence.connectionsTimedOut) silent" }
        if run.evidence.peersBanned > 0 { text += ", \(run.evidence.peersBanned) banned for bad data" }
        return text
    }

    private var verified: String {
        let total = run.selected?.byteCount ?? run.snapshot.totalBytes
        let done = run.snapshot.verifiedBytes
        let percent = HumanText.percent(done, of: total)
        return "\(HumanText.size(done)) of \(HumanText.size(total)) (\(percent) %) verified"
    }

    private var kept: String {
        if run.plan.isScratch { return "nothing is kept without -o" }
        return "what is verified is kept in \(TerminalText.escaped(run.plan.directory))"
    }
}
