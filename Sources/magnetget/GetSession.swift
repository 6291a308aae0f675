import Client
import CommandSupport
import Kademlia
import Metainfo
import Primitives
import Storage
import Swarm
import Transport

/// Everything that happens while torrents are being fetched, in one loop: what the host reports, signals, resolved
/// names and the clock go in one after the other; runs decide, the console shows.
struct GetSession {
    enum Input: Sendable {
        case host(HostEvent)
        case tick
        case signal(ProgramExit)
        case bootstrapResolved(PeerAddress, Result<[Endpoint], any Error>)
        case nodeResolved(PeerAddress, Result<[Endpoint], any Error>)
        case peerResolved(PeerAddress, InfoHash?, Result<[Endpoint], any Error>)
        case streamed(FileStream.Ending)
        case stopped
    }

    /// A host that does not stop by then is left behind.
    private static let stopLimit = Duration.seconds(10)
    private static let tickInterval = Duration.milliseconds(200)
    private static let progressEventInterval = Duration.seconds(1)

    let configuration: GetConfiguration
    let sources: [GetSource]
    let console: Console
    var runs: [GetRun]
    var ourselves = OwnEndpoints()
    /// Nothing can be sent from what `--bind` names: names that cannot be resolved are tried anew when it is back.
    var isBindLost = false
    private var areLimitsShown = false
    private var isReported: [Bool]
    private var nextProgressEvent = Instant.origin
    private var leaveAt: Instant?
    private(set) var mode = NetworkMode.public
    var unresolved = 0
    /// How many of the sources had their turn; the rest waits for one of them to end.
    var started = 0
    /// Why metadata that has arrived could not be written.
    var saveFailures: [Int: CommandFailure] = [:]
    private var isInterruptionTold = false
    /// Nodes of an earlier run are known.
    private(set) var hasState = false
    var bootstrapFailures: [String] = []
    let descriptors = DescriptorLimit.ofProcess()
    /// On its way to standard output, and how it ended.
    var stream: FileStream?
    var streamEnding: FileStream.Ending?
    /// How the command ends because of the stream, whatever became of the torrent.
    var streamExit: ProgramExit?
    /// Where the stream reports.
    var feed: AsyncStream<Input>.Continuation?

    init(_ configuration: GetConfiguration, sources: [GetSource], _ console: Console) {
        self.configuration = configuration
        self.sources = sources
        self.console = console
        let now = MonotonicClock.now
        runs = sources.map { GetRun(Self.plan(for: $0, configuration), now: now) }
        isReported = Array(repeating: false, count: sources.count)
    }

    static func plan(for source: GetSource, _ configuration: GetConfiguration) -> GetPlan {
        var plan = GetPlan(infoHash: source.infoHash)
        plan.name = source.name
        plan.info = source.info
        plan.goal = configuration.goal
        // BEP 27: the peers of a private torrent come from its trackers only.
        plan.usesDHT = configuration.usesDHT && source.info?.isPrivate != true
        plan.trackers = configuration.usesTrackers ? source.usableTrackers : 0
        plan.bootstrapNodes = configuration.network.bootstrap.count
        plan.directory = configuration.directory
        plan.isScratch = configuration.isScratch
        plan.selection = configuration.selection ?? source.selection
        plan.wantsOneFile = configuration.streams
        plan.limits = configuration.limits
        plan.seedLimits = configuration.seedLimits
        plan.seedsOnly = configuration.seedsOnly
        return plan
    }

    /// The exits by infohash.
    func run() async -> [InfoHash: ProgramExit] {
        var session = self
        await session.runToEnd()
        let pairs = session.runs.enumerated().map { index, run in
            (
                run.plan.infoHash,
                session.saveFailures[index]?.status ?? session.streamExit ?? run.outcome?.status ?? .failure
            )
        }
        return Dictionary(pairs) { first, _ in first }
    }

    /// Every run when all have ended, in the order of the sources.
    func finishedRuns() async -> [GetRun] {
        var session = self
        await session.runToEnd()
        return session.runs
    }

    private mutating func runToEnd() async {
        let (inputs, feed) = AsyncStream.makeStream(of: Input.self)
        self.feed = feed
        Signals.onFirst { feed.yield(.signal($0)) }
        let bootstrap = await bootstrapGiven()
        let network = configuration.network
        let keeper: StateKeeper
        do {
            // Without the DHT there is no table to keep.
            let choice = configuration.usesDHT ? network.state : .none
            keeper = try StateKeeper(choice, network.mode(bootstrap: bootstrap), now: MonotonicClock.now, console)
        } catch {
            for index in runs.indices { runs[index].gaveUp(.disk, because: error.message, advice: error.advice) }
            return await report(nil)
        }
        hasState = keeper.hasContacts
        var hostConfiguration = network.host(network.mode(bootstrap: bootstrap), restoring: keeper.restored)
        // A node for seconds stays out of the tables of others (BEP 43).
        if configuration.goal == .metadata { hostConfiguration.client.node.isReadOnly = true }
        hostConfiguration.client.swarm.encryption = configuration.encryption
        hostConfiguration.localLinks = configuration.localLinks(bootstrap: bootstrap)
        hostConfiguration.client.downloadLimit = configuration.downloadLimit
        hostConfiguration.client.uploadLimit = configuration.uploadLimit
        hostConfiguration.storage.rechecks = configuration.rechecks
        hostConfiguration.storage.maxOpenFiles = descriptors.files(hostConfiguration.storage.maxOpenFiles)
        hostConfiguration.blockPipesMax = descriptors.pipes(hostConfiguration.blockPipesMax)
        let host = Host(configuration: hostConfiguration, logger: ConsoleLogHandler.logger(console)) {
            feed.yield(.host($0))
        }
        do {
            let local = try await host.start()
            ourselves = OwnEndpoints(Interfaces.ofMachine, local: local)
            console.note("listening on \(local.map(\.description).joined(separator: ", "))", verbosity: 1)
        } catch {
            for index in runs.indices { runs[index].gaveUp(.noDHT, because: "the network is unusable: \(error)") }
            await host.stop()
            return await report(host)
        }
        mode = hostConfiguration.client.node.networkMode
        begin(on: host, bootstrap: bootstrap, feed)
        let clock = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: Self.tickInterval)
                feed.yield(.tick)
            }
        }
        defer { clock.cancel() }
        for await input in inputs {
            await handle(input, host)
            await report(host)
            if leaveAt == nil { startMore(on: host, feed) }
            await keeper.saveIfDue(host, now: MonotonicClock.now)
            if case .stopped = input { return }
            if let leaveAt, MonotonicClock.now >= leaveAt { return }
            if leaveAt == nil, !isStreaming, runs.allSatisfy({ $0.outcome != nil }) {
                leaveAt = MonotonicClock.now + Self.stopLimit
                await keeper.save(host)
                Task {
                    await host.stop()
                    feed.yield(.stopped)
                }
            }
        }
    }

    // MARK: Inputs

    private mutating func handle(_ input: Input, _ host: Host) async {
        let now = MonotonicClock.now
        switch input {
        case .host(let event): await handle(event, host, now)
        case .tick: await tick(host, now)
        case .signal(let exit):
            await observe(host, now)
            stopStream(exit)
            for index in runs.indices { runs[index].stopped(by: exit) }
        case .bootstrapResolved(let address, let result): bootstrapResolved(address, result, host)
        case .nodeResolved(let address, let result): nodeResolved(address, result, host)
        case .peerResolved(let address, let infoHash, let result): peerResolved(address, infoHash, result, host)
        case .streamed(let ending): streamed(ending)
        case .stopped: break
        }
    }

    private mutating func handle(_ event: HostEvent, _ host: Host, _ now: Instant) async {
        switch event {
        case .client(.dht(.firstContact)):
            for index in runs.indices { runs[index].nodeAnswered(now: now) }
        case .client(.dht(.externalAddressKnown(_, let endpoint))): ourselves.addHost(of: endpoint)
        case .client(.dht): break
        case .client(.torrent(let torrent, let event)):
            guard runs.indices.contains(torrent.rawValue) else { return }
            // The totals of the end are those of this moment, not of the last tick.
            if event == .completed { await observe(host, now, only: torrent.rawValue) }
            if case .pieceVerified(let piece) = event { stream?.verified([piece]) }
            let event = ourselves.leftOut(of: event)
            let stage = runs[torrent.rawValue].stage
            runs[torrent.rawValue].happened(event, now: now)
            if runs[torrent.rawValue].stage != stage { await observe(host, now, only: torrent.rawValue) }
        case .client(.tracker(let torrent, let report)):
            guard runs.indices.contains(torrent.rawValue) else { return }
            runs[torrent.rawValue].happened(report)
        case .storage(let torrent, let event):
            guard runs.indices.contains(torrent.rawValue) else { return }
            storageReported(event, torrent.rawValue)
        case .bind(let notice):
            console.show(notice)
            bindChanged(notice, host)
        case .socketLost(let endpoint):
            for index in runs.indices {
                runs[index].gaveUp(.noDHT, because: "the network is unusable: the socket of \(endpoint) is gone")
            }
        }
    }

    private mutating func storageReported(_ event: StorageEvent, _ index: Int) {
        switch event {
        case .opened(let have):
            runs[index].foundOnDisk(have)
            beginStream(have, index)
        case .failed(.foreignFile(let path)) where configuration.seedsOnly: runs[index].contentIsWrong(path: path)
        case .failed(let error): runs[index].storageFailed(TerminalText.escaped("\(error)"))
        case .repaired(let repairs):
            for repair in repairs.prefix(10) {
                let names = [repair.original, repair.repaired].map { TerminalText.escaped($0) }
                console.note("unsafe name \(names[0]) is written as \(names[1])")
            }
        default: break
        }
    }

    private mutating func tick(_ host: Host, _ now: Instant) async {
        await observe(host, now)
        for index in runs.indices.prefix(started) { runs[index].timedOut(now: now) }
        if console.configuration.json, now >= nextProgressEvent {
            nextProgressEvent = now + Self.progressEventInterval
            for run in runs[..<started] where run.outcome == nil {
                console.event(GetReport(infoHash: run.plan.infoHash).progress(run.snapshot, run.trackerCounts))
            }
        }
    }

    /// Looks at the node and at one torrent, or all: with hundreds of them, all for each event would be too much.
    private mutating func observe(_ host: Host, _ now: Instant, only: Int? = nil) async {
        let statistics = await host.nodeStatistics()
        let looked = only.map { $0..<$0 + 1 } ?? 0..<started
        for index in looked where runs[index].outcome == nil {
            if let statistics { runs[index].observed(NodeCounts(statistics), now: now) }
            if let snapshot = await host.snapshot(of: TorrentHandle(rawValue: index)) {
                runs[index].observed(snapshot, now: now)
            }
        }
    }

    // MARK: Reports

    private mutating func report(_ host: Host?) async {
        for index in runs.indices {
            let report = GetReport(infoHash: runs[index].plan.infoHash)
            for event in runs[index].drainEvents() {
                console.event(report.line(for: event))
                show(event, index)
                if case .metadata(let info, _) = event { save(info, index) }
            }
            if let outcome = runs[index].outcome, !isReported[index] {
                isReported[index] = true
                if let limits = LimitCounts(runs[index].snapshot).text { console.note(limits, verbosity: 1) }
                self.report(outcome, index)
                host?.command(.remove(TorrentHandle(rawValue: index)))
            }
        }
        if runs.allSatisfy({ $0.outcome != nil }) {
            if !areLimitsShown, let limits = await host?.clientStatistics().flatMap({ LimitCounts($0).text }) {
                console.note("all torrents: \(limits)", verbosity: 1)
            }
            areLimitsShown = true
            console.endProgress()
        } else {
            let state = GetRun.progress(of: runs)
            console.progress(state, stage: state.stage, now: MonotonicClock.now)
        }
    }

    private func show(_ event: GetEvent, _ index: Int) {
        guard !console.configuration.json || console.configuration.verbosity > 0 else { return }
        if case .completed = event {
            console.success(event.text)
            if !configuration.streams { console.result(path(of: index)) }
        } else {
            console.note(event.text, verbosity: event.verbosity)
        }
    }

    private mutating func report(_ outcome: GetOutcome, _ index: Int) {
        if configuration.goal == .metadata, outcome.status == .done, let info = runs[index].info {
            return reportMetadataOnly(index, info)
        }
        guard outcome.status != .done else {
            if outcome.stage == .seeding, runs[index].plan.goal == .seeding { console.note(outcome.message) }
            return
        }
        console.event(GetReport(infoHash: runs[index].plan.infoHash).error(outcome))
        if configuration.goal == .metadata, runs.count > 1, [.interrupted, .terminated].contains(outcome.status) {
            return reportInterruption()
        }
        let prefix = runs.count > 1 ? TerminalText.escaped(runs[index].progress.name) + ": " : ""
        console.error(prefix + outcome.message, advice: outcome.advice)
    }

    /// Once for all, which may be thousands.
    private mutating func reportInterruption() {
        guard !isInterruptionTold else { return }
        isInterruptionTold = true
        let done = runs.count { $0.outcome?.status == .done }
        console.error(
            "interrupted: the metadata of \(done) of \(runs.count) is here",
            advice: "run the same command again to go on")
    }

    /// Of the finished file or folder.
    private func path(of index: Int) -> String {
        guard let info = runs[index].info else { return configuration.directory }
        let name = FileLayout.name(for: info)
        guard configuration.directory != "." else { return name }
        return configuration.directory.hasSuffix("/")
            ? configuration.directory + name : configuration.directory + "/" + name
    }
}
