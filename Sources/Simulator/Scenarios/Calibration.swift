import Kademlia
import Primitives

/// The scenario `calibration`: what the rig of real libtorrent nodes does, with libtorrent-like ones.
package struct Calibration: Scenario {
    private enum Phase: String {
        case joining, announcing
        case lookingUp = "looking up"
        case ending, finished
    }

    private struct Trial {
        let infoHash: InfoHash
        let announcer: HostIndex
    }

    private struct Asked {
        let client: CalibrationClient
        let isWarm: Bool
        let trial: Int
        let startedAt: Instant
        var firstPeerAt: Instant?
    }

    private let options: CalibrationOptions
    private var network: VirtualNetwork
    private var generator: SeededGenerator
    private var phase = Phase.joining
    private var pausesUntil = Instant.origin
    private var nodes: [HostIndex] = []
    /// One list for each place.
    private var warm: [[(client: CalibrationClient, host: HostIndex)]] = []
    private var trials: [Trial] = []
    private var asked: [Asked] = []
    /// Index into `asked` of what each asker looks for now.
    private var current: [HostIndex: Int] = [:]
    /// Cold askers that look up once their bootstrap is over.
    private var waiting: Set<HostIndex> = []
    private var done = 0
    private var report = CalibrationReport()

    package init(_ options: CalibrationOptions) {
        precondition(options.coldPlaces > 0, "a matrix without room for askers")
        self.options = options
        generator = SeededGenerator(number: options.seed)
        var faults = FaultRules()
        faults.lossShare = options.lossShare
        network = VirtualNetwork(
            latency: LatencyModel(options.delays.arranged(Self.rows(options))), faults: faults,
            generator: generator.split())
    }

    /// At which row each host sits, in the order in which they come.
    private static func rows(_ options: CalibrationOptions) -> [Int] {
        var rows = Array(0..<options.nodeCount)
        for place in 0..<options.warmAskers {
            rows += CalibrationClient.warm.map { _ in options.nodeCount + place }
        }
        for trial in 0..<options.rounds + options.deadRounds {
            let place = options.nodeCount + options.warmAskers + trial % options.coldPlaces
            rows += CalibrationClient.allCases.map { _ in place }
        }
        return rows
    }

    // MARK: Phases

    package mutating func advance(events: Int) -> Bool {
        for _ in 0..<events {
            if network.step(until: pausesUntil) {
                for (host, event) in network.takeEvents() { handle(event, of: host) }
            } else {
                goOn()
            }
            if phase == .finished { return false }
        }
        return true
    }

    package var progress: ScenarioProgress {
        ScenarioProgress(
            phase: phase.rawValue, now: network.now, events: network.traffic.events, nodeCount: nodes.count,
            done: phase == .lookingUp ? .init(done, of: trialCount) : nil)
    }

    private var trialCount: Int { options.rounds + options.deadRounds }

    private mutating func goOn() {
        switch phase {
        case .joining: join()
        case .announcing: announce()
        case .lookingUp: lookUp()
        case .ending: phase = .finished
        case .finished: break
        }
    }

    private mutating func pause(_ duration: Duration) { pausesUntil = network.now + duration }

    private mutating func join() {
        guard nodes.count == options.nodeCount else {
            let host = network.addNode(configuration: CalibrationClient.libtorrentLike.configuration())
            let known = nodes.isEmpty ? [] : [0] + (0..<2).map { _ in nodes.randomElement(using: &generator) ?? 0 }
            if !known.isEmpty { network.command(.bootstrap(known.map(network.endpoint)), to: host) }
            nodes.append(host)
            return pause(options.joinInterval)
        }
        for _ in 0..<options.warmAskers {
            let entry = randomEntry()
            warm.append(
                CalibrationClient.warm.map { client in
                    let host = network.addNode(configuration: client.configuration())
                    network.command(.bootstrap([entry]), to: host)
                    return (client, host)
                })
        }
        phase = .announcing
        pause(options.warmUp / 2)
    }

    private mutating func announce() {
        guard trials.count < trialCount, let announcer = nodes.randomElement(using: &generator) else {
            report.contactsPerNode = Spread(
                nodes.compactMap { network.withNode($0) { Double($0.homes[0].contactCount) } })
            phase = .lookingUp
            return pause(.seconds(5))
        }
        let trial = Trial(infoHash: .random(using: &generator), announcer: announcer)
        network.command(
            .lookup(LookupID(UInt64(trials.count)), target: trial.infoHash, .announce(port: 0)), to: announcer)
        trials.append(trial)
        pause(options.warmUp / 2 / trialCount)
    }

    private mutating func lookUp() {
        guard done < trialCount else {
            phase = .ending
            return pause(options.patience)
        }
        if done == options.rounds { kill() }
        if !warm.isEmpty {
            for (client, host) in warm[done % warm.count] { ask(client, host, isWarm: true) }
        }
        let entry = randomEntry()
        for client in CalibrationClient.allCases {
            var configuration = client.configuration()
            configuration.isReadOnly = true
            let host = network.addNode(configuration: configuration)
            // A program that asks at once has said what it wants before it knows where to enter.
            ask(client, host, isWarm: false)
            network.command(.bootstrap([entry]), to: host)
        }
        done += 1
        pause(options.interval)
    }

    private mutating func kill() {
        let count = Int((Double(options.nodeCount) * options.deadShare).rounded())
        let victims = nodes.dropFirst().shuffled(using: &generator).prefix(count)
        for host in victims { network.remove(host) }
        nodes.removeAll { victims.contains($0) }
    }

    private mutating func randomEntry() -> Endpoint {
        network.endpoint(of: nodes.dropFirst().randomElement(using: &generator) ?? 0)
    }

    private mutating func ask(_ client: CalibrationClient, _ host: HostIndex, isWarm: Bool) {
        current[host] = asked.count
        asked.append(Asked(client: client, isWarm: isWarm, trial: done, startedAt: network.now))
        if client == .libtorrentLike, !isWarm {
            waiting.insert(host)
        } else {
            startLookup(host)
        }
    }

    private mutating func startLookup(_ host: HostIndex) {
        guard let index = current[host] else { return }
        network.command(
            .lookup(LookupID(UInt64(index)), target: trials[asked[index].trial].infoHash, .getPeers), to: host)
    }

    // MARK: Facts

    private mutating func handle(_ event: Event, of host: HostIndex) {
        switch event {
        case .bootstrapFinished(_, let contacts) where contacts > 0 && waiting.contains(host):
            waiting.remove(host)
            startLookup(host)
        case .peersFound(let id, _, _):
            guard let index = current[host], id.rawValue == UInt64(index), asked[index].firstPeerAt == nil else {
                return
            }
            asked[index].firstPeerAt = network.now
            guard !asked[index].isWarm else { return }
            current[host] = nil
            network.remove(host)
        case .lookupFinished(_, let finished) where current[host] == nil && finished.announcedTo > 0:
            report.announcesStored += 1
        default: break
        }
    }

    // MARK: Report

    package mutating func finish() -> CalibrationReport {
        report.events = network.traffic.events
        report.digest = network.digest.value
        for (first, count, dead) in [(0, options.rounds, 0), (options.rounds, options.deadRounds, options.deadShare)]
        where count > 0 {
            for isWarm in [true, false] {
                for client in isWarm ? CalibrationClient.warm : CalibrationClient.allCases {
                    let these = asked.filter {
                        $0.client == client && $0.isWarm == isWarm && (first..<first + count).contains($0.trial)
                    }
                    report.figures.append(figures(these, client, isWarm: isWarm, dead: dead))
                }
            }
        }
        return report
    }

    private func figures(
        _ these: [Asked], _ client: CalibrationClient, isWarm: Bool, dead: Double
    ) -> CalibrationReport.Figures {
        let seconds = these.compactMap { asked in
            asked.firstPeerAt.map { asked.startedAt.duration(to: $0) }.flatMap {
                $0 <= options.patience ? $0.inSeconds : nil
            }
        }
        return CalibrationReport.Figures(
            client: client, isWarm: isWarm, deadShare: dead, lookups: these.count, firstPeerSeconds: Spread(seconds))
    }
}
