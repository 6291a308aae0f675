import Client
import KRPC
import Kademlia
package import Metainfo
import Primitives
import Swarm

/// The scenario `magnet`: peers announce themselves in a living DHT, most of them die, and a client that is handed the
/// magnet finds the metadata.
package struct MagnetSearch: Scenario {
    /// In this order.
    private enum Phase: String {
        case joining
        case warmingUp = "warming up"
        case searching, finished
    }

    private let options: MagnetOptions
    private var population: Population
    private var generator: SeededGenerator
    private var phase = Phase.joining
    private var joined = 0
    private var nextStep = Instant.origin
    /// Finds out who stores an infohash.
    private var scout: HostIndex?
    private var idleAskers: [HostIndex] = []
    private var askerCount = 0
    private var trials: [MagnetTrial] = []
    private var begunCount = 0
    /// Those that are not over, in their order.
    private var active: [Int] = []
    /// Only looked up.
    private var trialOfAsker: [HostIndex: Int] = [:]
    private var report = MagnetReport()

    /// Announces come within this time, and are answered some time later.
    private static let announceWindow = Duration.seconds(3)
    private static let announceTime = Duration.seconds(8)

    /// Throws when metadata of the wanted length can be none.
    package init(_ options: MagnetOptions) throws(MetainfoError) {
        self.options = options
        generator = SeededGenerator(number: options.seed)
        population = Population(
            options.population, latency: options.latency, faults: options.faults, generator: generator.split())
        for _ in 0..<options.magnets {
            let bytes = Int.random(in: options.metadataBytes, using: &generator)
            trials.append(MagnetTrial(info: try .drawn(bytes: bytes, using: &generator)))
        }
    }

    package mutating func advance(events: Int) -> Bool {
        for _ in 0..<events {
            let due = active.reduce(nextStep) { min($0, trials[$1].due) }
            if population.step(until: due) { observe() } else { goOn() }
            if phase == .finished { return false }
        }
        return true
    }

    package var progress: ScenarioProgress {
        var progress = ScenarioProgress(
            phase: phase.rawValue, now: population.network.now, events: population.network.traffic.events,
            nodeCount: population.livingCount)
        switch phase {
        case .joining: progress.done = .init(joined, of: options.population.nodeCount)
        case .searching, .finished:
            progress.done = .init(trials.count { $0.stage == .over }, of: options.magnets)
        case .warmingUp: break
        }
        return progress
    }

    package mutating func finish() -> MagnetReport {
        report.seed = options.seed
        report.nodeCount = population.livingCount
        report.fill(with: trials)
        report.traffic = population.network.traffic
        report.digest = population.network.digest.value
        return report
    }

    // MARK: What is due

    private var now: Instant { population.network.now }

    private mutating func goOn() {
        switch phase {
        case .joining: join()
        case .warmingUp:
            population.kill(share: options.deadNodeShare)
            phase = .searching
        case .searching:
            if nextStep <= now { beginTrial() }
            for trial in active where trials[trial].due <= now { goOn(with: trial) }
            // What has been told meanwhile is of the same moment.
            observe()
        case .finished: break
        }
    }

    private mutating func join() {
        population.join()
        joined += 1
        // Warm clients come evenly among the others.
        while askerCount * options.population.nodeCount < warmCount * joined {
            idleAskers.append(makeAsker())
            askerCount += 1
        }
        nextStep = nextStep + population.joinInterval
        guard joined == options.population.nodeCount else { return }
        scout = population.settle(.ours)
        population.startChurn()
        phase = .warmingUp
        nextStep = now + options.warmUp
    }

    private var warmCount: Int { options.isCold ? 0 : options.askers }

    /// A client that has just started.
    private mutating func makeAsker() -> HostIndex {
        var configuration = Client.Configuration()
        configuration.swarm = options.swarm
        let host = population.network.addClient(configuration, bytesPerSecond: options.uplink.upperBound)
        population.network.setWatched(true, host)
        population.introduce(host)
        return host
    }

    // MARK: One magnet

    private mutating func beginTrial() {
        let trial = begunCount
        guard let scout, trial < trials.count else { return nextStep = .distantFuture }
        begunCount += 1
        nextStep = trial + 1 < trials.count ? now + options.interval : .distantFuture
        active.append(trial)
        let infoHash = trials[trial].info.infoHash
        population.network.command(.lookup(LookupID(UInt64(trial)), target: infoHash, .getPeers), to: scout)
    }

    /// The nodes near the infohash are known: all its peers announce themselves there.
    private mutating func announce(_ trial: Int, to storers: [Endpoint]) {
        guard trials[trial].stage == .scouting else { return }
        let (now, infoHash) = (now, trials[trial].info.infoHash)
        for _ in 0..<options.peers {
            let share = Double.random(in: 0...1, using: &generator)
            let start = now + .seconds(Self.announceWindow.inSeconds * share)
            let host = population.network.add { endpoint, generator in
                let announcer = Announcer(
                    of: infoHash, at: endpoint, to: storers, from: start, generator: generator)
                return .adversary(announcer)
            }
            trials[trial].peers.append(host)
        }
        trials[trial].stage = .announcing
        trials[trial].due = now + Self.announceTime
    }

    private mutating func goOn(with trial: Int) {
        switch trials[trial].stage {
        case .announcing:
            settlePeers(of: trial)
            handOut(trial)
        case .waiting: handOut(trial)
        case .searching: end(trial)
        case .scouting, .over: break
        }
    }

    /// Most die; who lives is a client from now on.
    private mutating func settlePeers(of trial: Int) {
        let kinds = MagnetPeer.all(options).shuffled(using: &generator)
        for (host, kind) in zip(trials[trial].peers, kinds) {
            population.network.settle(kind, of: trials[trial].info, at: host, options, using: &generator)
        }
    }

    private mutating func handOut(_ trial: Int) {
        guard let asker = options.isCold ? makeAsker() : idleAskers.popLast() else {
            trials[trial].stage = .waiting
            trials[trial].due = now + .seconds(1)
            return
        }
        trials[trial].asker = asker
        trials[trial].stage = .searching
        trials[trial].startedAt = now
        trials[trial].due = now + options.patience
        trialOfAsker[asker] = trial
        // As `magnetget` does, but that nobody wants the pieces.
        var torrent = Client.TorrentOptions()
        torrent.metadataOnly = true
        torrent.listenPort = VirtualNetwork.port
        let source = Client.TorrentSource.infoHash(trials[trial].info.infoHash)
        population.network.command(.add(Self.torrent(trial), source, torrent), toClient: asker)
    }

    private static func torrent(_ trial: Int) -> TorrentHandle { TorrentHandle(rawValue: trial + 1) }

    private mutating func end(_ trial: Int) {
        guard let asker = trials[trial].asker else { return }
        trials[trial].stage = .over
        active.removeAll { $0 == trial }
        trialOfAsker[asker] = nil
        population.network.command(.remove(Self.torrent(trial)), toClient: asker)
        if options.isCold { population.network.remove(asker) } else { idleAskers.insert(asker, at: 0) }
        for host in trials[trial].peers { population.network.remove(host) }
        if active.isEmpty, begunCount == trials.count { phase = .finished }
    }

    // MARK: What was told

    private mutating func observe() {
        for (host, event) in population.network.takeEvents() where host == scout {
            guard case .lookupFinished(let id, let found) = event else { continue }
            announce(Int(id.rawValue), to: found.closest.map(\.endpoint))
        }
        for caller in population.network.takeCalls() {
            guard let trial = trialOfAsker[caller] else { continue }
            trials[trial].calls.append(now)
        }
        for (host, event) in population.network.takeClientEvents() {
            guard case .torrent(let torrent, let event) = event, let trial = trialOfAsker[host],
                torrent == Self.torrent(trial)
            else { continue }
            trials[trial].note(event, now: now)
            if trials[trial].metadataAt != nil { end(trial) }
        }
    }
}
