package import Client
package import Metainfo
package import Primitives
package import Swarm

/// One download from the command's point of view: which stage it is in, how long it may stay there, how it ends.
///
/// A value that is fed facts and the time, like the machines above the purity line: events of the torrent, counts of
/// the node, snapshots. After each fact `drainEvents()` says what to report and `outcome` whether it is over.
package struct GetRun: Sendable {
    package let plan: GetPlan
    package private(set) var stage: GetStage
    package private(set) var outcome: GetOutcome?
    package private(set) var info: Info?
    /// What is wanted of it; nil as long as nobody knows its files.
    package private(set) var selected: SelectedFiles?
    package private(set) var snapshot = TorrentSnapshot()
    package private(set) var nodes = NodeCounts()
    package private(set) var timings = GetTimings()
    private(set) var evidence = Evidence()
    /// What each tracker said last, by its URL.
    private var countsByTracker: [String: TrackerCounts] = [:]
    private let start: Instant
    private var stageStart: Instant
    /// When nodes answered, but no peer was known yet, for the first time.
    private var peersStart: Instant?
    private var lastProgress: Instant
    private var usefulBytes = 0
    private var isStorageOpen = false
    private var isComplete = false
    private var files: FileCompletion?
    private var events: [GetEvent] = []

    /// What the last words tell beyond the snapshot.
    struct Evidence: Equatable, Sendable {
        /// All that were named to us, without ourselves.
        var peersFound: Set<Endpoint> = []
        var peersBanned = 0
        var connectionsRefused = 0
        var connectionsTimedOut = 0
        var metadataRejections = 0
        var piecesFailed = 0
        var trackersAnswered: Set<String> = []
        /// Of the last one that failed.
        var trackerFailure: String?
    }

    package init(_ plan: GetPlan, now: Instant) {
        self.plan = plan
        info = plan.info
        start = now
        stageStart = now
        lastProgress = now
        stage = plan.info != nil ? .checking : plan.waitsForDHT ? .bootstrap : .peers
        if stage == .peers { peersStart = now }
        if let info { choose(of: info) }
    }

    /// When `timedOut` wants to be called; nil for never.
    package var nextDeadline: Instant? {
        guard outcome == nil else { return nil }
        let whole = plan.limits.total.map { start + $0 }
        return [stageDeadline, whole].compactMap { $0 }.min()
    }

    private var stageDeadline: Instant? {
        switch stage {
        case .bootstrap: stageStart + plan.limits.bootstrap
        case .peers: stageStart + plan.limits.peers
        case .metadata: stageStart + plan.limits.metadata
        case .downloading: lastProgress + plan.limits.stall
        case .seeding: plan.seedLimits.time.map { stageStart + $0 }
        case .checking, .finished: nil
        }
    }

    package mutating func drainEvents() -> [GetEvent] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    // MARK: Facts

    /// A node of the DHT has answered.
    package mutating func nodeAnswered(now: Instant) {
        guard outcome == nil else { return }
        note(\.firstNode, now)
        advance(now: now)
    }

    package mutating func observed(_ nodes: NodeCounts, now: Instant) {
        self.nodes = nodes
        if nodes.answers > 0 { nodeAnswered(now: now) }
    }

    package mutating func observed(_ snapshot: TorrentSnapshot, now: Instant) {
        guard outcome == nil else { return }
        self.snapshot = snapshot
        // Payload that is thrown away is no progress, nor is a trickle: a peer that sends junk, or drops of a block it
        // never finishes, does not keep a dead download alive.
        let useful = max(snapshot.downloadedBytes - snapshot.wastedBytes, snapshot.verifiedBytes)
        let trickle = Int(plan.limits.stallBytesPerSecond * (now - lastProgress).inSeconds)
        if useful > usefulBytes, useful - usefulBytes >= min(trickle, plan.limits.stallBytes) {
            usefulBytes = useful
            lastProgress = now
        }
        advance(now: now)
        guard stage == .seeding else { return }
        if plan.seedLimits.isReached(uploaded: snapshot.uploadedBytes, size: wantedBytes) {
            finish(.done, Verdict(self).ratioReached)
        }
    }

    package mutating func happened(_ event: TorrentEvent, now: Instant) {
        guard outcome == nil else { return }
        switch event {
        case .lookupStarted: events.append(.lookupStarted)
        case .peersFound(let endpoints, let source):
            let new = endpoints.filter { evidence.peersFound.insert($0).inserted }
            guard !new.isEmpty else { return }
            note(\.firstPeer, now)
            events += new.map { .peerFound($0, source) }
        case .peerConnected(let endpoint):
            note(\.firstConnection, now)
            events.append(.peerConnected(endpoint))
        case .peerLost(let endpoint, let loss):
            peerLost(endpoint, loss)
        case .metadata(let info): metadataArrived(info, now: now)
        case .metadataRejected(let peers):
            evidence.metadataRejections += 1
            events.append(.metadataRejected(peers: peers.count))
        case .metadataUnusable(let error): finish(.badContent, Verdict(self).metadataUnusable(error))
        case .storageOpened:
            isStorageOpen = true
            lastProgress = now
        case .pieceVerified(let piece):
            note(\.firstPiece, now)
            lastProgress = now
            fileProgress(piece)
        case .pieceFailed(let piece):
            evidence.piecesFailed += 1
            events.append(.pieceFailed(piece))
        case .completed: completed(now: now)
        case .announced(let count): events.append(.announced(nodes: count))
        // Why is told by `storageFailed(_:)`, and by what we found in the same metadata.
        case .storageFailed, .nothingSelected: break
        }
        advance(now: now)
    }

    package mutating func happened(_ report: TrackerReport) {
        guard outcome == nil else { return }
        switch report {
        case .answered(let url, _, let seeds, let leechers):
            evidence.trackersAnswered.insert(url)
            count(url, seeds, leechers)
        case .scraped(let url, let seeds, let leechers): count(url, seeds, leechers)
        case .failed(let url, let reason): evidence.trackerFailure = "\(url) \(reason)"
        case .warning: break
        }
        events.append(.tracker(report))
    }

    private mutating func count(_ url: String, _ seeds: Int?, _ leechers: Int?) {
        var counts = countsByTracker[url] ?? TrackerCounts()
        counts.seeds = seeds ?? counts.seeds
        counts.leechers = leechers ?? counts.leechers
        countsByTracker[url] = counts
    }

    package var trackerCounts: TrackerCounts {
        var counts = TrackerCounts()
        counts.seeds = countsByTracker.values.compactMap(\.seeds).max()
        counts.leechers = countsByTracker.values.compactMap(\.leechers).max()
        return counts
    }

    /// These pieces were verified when the files were opened.
    package mutating func foundOnDisk(_ have: Bitfield) {
        guard outcome == nil else { return }
        if plan.seedsOnly, !have.isFull {
            return finish(.badContent, Verdict(self).notAllThere(pieces: have.setCount, of: have.count))
        }
        for piece in have.setIndices { fileProgress(piece) }
    }

    /// The files cannot be used, for a reason that is told.
    package mutating func storageFailed(_ reason: String) {
        finish(.disk, Verdict(self).storageFailed(reason))
    }

    /// This file is not as the torrent has it.
    package mutating func contentIsWrong(path: String) {
        finish(.badContent, Verdict(self).wrongContent(path: path))
    }

    /// Somebody wants the command to end: a signal, as its exit status.
    package mutating func stopped(by status: ProgramExit) {
        if stage == .seeding {
            finish(.done, Verdict(self).seeded)
        } else {
            finish(status, Verdict(self).interrupted)
        }
    }

    /// Nobody reads any more what is written to standard output: there is no use in going on.
    package mutating func readerWent() {
        finish(.done, ("nobody reads standard output any more", nil))
    }

    /// Nothing can come of it any more, though its time is not over.
    package mutating func gaveUp(_ status: ProgramExit, because message: String, advice: String? = nil) {
        finish(status, (message, advice))
    }

    /// A deadline may have passed.
    package mutating func timedOut(now: Instant) {
        guard outcome == nil else { return }
        if let total = plan.limits.total, now >= start + total {
            finish(stage.failure, Verdict(self).wholeTimeOver(total))
        } else if let deadline = stageDeadline, now >= deadline {
            finish(stage.failure, Verdict(self).stageTimeOver)
        }
    }

    // MARK: Inside

    private mutating func peerLost(_ endpoint: Endpoint, _ loss: PeerLoss) {
        switch loss {
        case .unreachable: evidence.connectionsRefused += 1
        case .timedOut: evidence.connectionsTimedOut += 1
        case .badData: evidence.peersBanned += 1
        // Our own announce has come back: that is nobody.
        case .ourselves: evidence.peersFound.remove(endpoint)
        case .closed, .protocolViolation, .redundant, .duplicate, .displaced, .idle, .foreign: break
        }
        events.append(.peerLost(endpoint, loss))
    }

    private mutating func metadataArrived(_ info: Info, now: Instant) {
        guard self.info == nil else { return }
        self.info = info
        note(\.metadata, now)
        choose(of: info)
        events.append(.metadata(info, selected ?? SelectedFiles(allOf: info)))
    }

    /// Finds out what is wanted of the files.
    private mutating func choose(of info: Info) {
        do {
            let selected = try plan.selection?.files(of: info) ?? SelectedFiles(allOf: info)
            self.selected = selected
            files = FileCompletion(info, selected)
            guard plan.wantsOneFile, selected.files.setCount != 1 else { return }
            finish(.usage, Verdict(self).notOneFile(selected))
        } catch {
            finish(.usage, Verdict(self).nothingSelected(error))
        }
    }

    /// Of the wanted files; 0 as long as nobody knows them.
    var wantedBytes: Int { selected?.byteCount ?? 0 }

    private mutating func fileProgress(_ piece: Int) {
        guard let info, piece < info.pieceCount else { return }
        events += (files?.pieceVerified(piece) ?? []).map { .fileCompleted($0, info) }
    }

    private mutating func completed(now: Instant) {
        guard let info, !isComplete else { return }
        isComplete = true
        note(\.complete, now)
        var totals = GetTotals()
        totals.size = wantedBytes
        totals.downloaded = snapshot.downloadedBytes
        totals.uploaded = snapshot.uploadedBytes
        totals.wasted = snapshot.wastedBytes
        events.append(.completed(info, timings, totals))
    }

    private mutating func note(_ moment: WritableKeyPath<GetTimings, Duration?>, _ now: Instant) {
        if timings[keyPath: moment] == nil { timings[keyPath: moment] = now - start }
    }

    /// Goes to the stage that the facts allow; a stage's time begins when it is entered.
    private mutating func advance(now: Instant) {
        guard outcome == nil else { return }
        if plan.goal == .metadata, info != nil { return finish(.done, Verdict(self).metadataHere) }
        if isComplete, plan.goal == .files { return finish(.done, Verdict(self).completed) }
        let next = reachedStage
        guard next != stage else { return }
        stage = next
        stageStart = now
        lastProgress = now
        guard next == .peers else { return }
        // Peers that turned out to be nobody do not make the search for peers any longer.
        stageStart = peersStart ?? now
        peersStart = stageStart
    }

    private var reachedStage: GetStage {
        if isComplete { return .seeding }
        if info != nil, !isStorageOpen { return .checking }
        if !evidence.peersFound.isEmpty || timings.firstConnection != nil {
            return info == nil ? .metadata : .downloading
        }
        return plan.waitsForDHT && timings.firstNode == nil ? .bootstrap : .peers
    }

    private mutating func finish(_ status: ProgramExit, _ words: Verdict.Words) {
        guard outcome == nil else { return }
        outcome = GetOutcome(status, at: stage, words.message, advice: words.advice)
        stage = .finished
    }
}
