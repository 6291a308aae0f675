import KRPC
import Kademlia
import Primitives

/// The scenario `lookups`: nodes join one by one through real bootstraps and live for a while; some announce, and
/// askers of each policy look up what was announced, side by side in one network.
package struct Simulation: Scenario {
    /// One infohash on its way from the announcer to the askers.
    private struct Trial {
        let infoHash: InfoHash
        let announcer: HostIndex
    }

    private struct Asker {
        let host: HostIndex
        let policy: Policy
        /// Index into `watches`.
        var watch: Int?
    }

    /// In this order.
    private enum Phase: String {
        case joining
        case warmingUp = "warming up"
        case lookingUp = "looking up"
        /// The last announces and lookups end.
        case ending, finished
    }

    private let options: SimulationOptions
    private var population: Population
    private var generator: SeededGenerator
    private var trials: [Trial] = []
    private var askers: [Asker] = []
    private var askerOfHost: [HostIndex: Int] = [:]
    private var watches: [LookupWatch] = []
    private var isBootstrapped: Set<HostIndex> = []
    private var phase = Phase.joining
    /// What comes next is due then.
    private var pausesUntil = Instant.origin
    private var joined = 0
    private var endsAt = Instant.distantFuture
    private var report = SimulationReport()

    /// Runs the whole scenario.
    package static func run(_ options: SimulationOptions) -> SimulationReport {
        var simulation = Simulation(options)
        return simulation.run()
    }

    package init(_ options: SimulationOptions) {
        self.options = options
        generator = SeededGenerator(number: options.seed)
        population = Population(
            options.population, latency: options.latency, faults: options.faults, generator: generator.split())
        report.figures = options.policies.map(LookupFigures.init)
    }

    // MARK: Phases

    package mutating func advance(events: Int) -> Bool {
        for _ in 0..<events {
            if population.step(until: pausesUntil) {
                observe()
            } else {
                goOn()
            }
            if phase == .finished { return false }
        }
        return true
    }

    package var progress: ScenarioProgress {
        var progress = ScenarioProgress(
            phase: phase.rawValue, now: population.network.now, events: population.network.traffic.events,
            nodeCount: population.livingCount)
        switch phase {
        case .joining: progress.done = .init(joined, of: ordinaryCount)
        case .lookingUp: progress.done = .init(trials.count, of: options.lookupCount)
        case .warmingUp, .ending, .finished: break
        }
        return progress
    }

    private mutating func goOn() {
        switch phase {
        case .joining: join()
        case .warmingUp:
            population.kill(share: options.deadShare)
            for asker in askers { population.network.setWatched(true, asker.host) }
            phase = .lookingUp
            pause(options.lookupInterval)
        case .lookingUp: announceOne()
        case .ending:
            let isDone = report.announces == trials.count && !askers.contains { $0.watch != nil }
            guard !isDone, population.network.now < endsAt else { return phase = .finished }
            pause(.seconds(1))
        case .finished: break
        }
    }

    private mutating func pause(_ duration: Duration) { pausesUntil = population.network.now + duration }

    /// Several may join in one tick of the clock.
    private mutating func pauseForJoin() { pausesUntil = pausesUntil + population.joinInterval }

    private var askerCount: Int { options.askersPerPolicy * options.policies.count }
    private var ordinaryCount: Int { max(options.population.nodeCount - askerCount, 1) }

    /// One more joins through a few random earlier nodes; askers come evenly among the others.
    private mutating func join() {
        if joined == 0, pausesUntil == .origin { return pauseForJoin() }
        population.join()
        while askers.count * ordinaryCount < askerCount * joined { addAsker() }
        joined += 1
        guard joined == ordinaryCount else { return pauseForJoin() }
        while askers.count < askerCount { addAsker() }
        population.startChurn()
        phase = .warmingUp
        pause(options.warmUp)
    }

    private mutating func addAsker() {
        let policy = options.policies[askers.count % options.policies.count]
        // Ours asks within its budgets, as in production; other clients have none like them.
        var configuration = options.population.configuration
        if policy == .ours { configuration.budgets = Budgets() }
        let host = population.settle(policy, configuration: configuration)
        askerOfHost[host] = askers.count
        askers.append(Asker(host: host, policy: policy))
    }

    private mutating func announceOne() {
        if let announcer = drawAnnouncer() {
            let id = LookupID(UInt64(trials.count))
            let trial = Trial(infoHash: .random(using: &generator), announcer: announcer)
            trials.append(trial)
            population.network.command(.lookup(id, target: trial.infoHash, .announce(port: 0)), to: announcer)
            if trials.count < options.lookupCount { return pause(options.lookupInterval) }
        }
        // What is under way ends within the lifetime of a lookup: an announce, then the lookup for it.
        phase = .ending
        endsAt = population.network.now + options.population.configuration.search.lifetime + options.patience
        pause(.seconds(1))
    }

    /// An ordinary node that lives, translated or not.
    private mutating func drawAnnouncer() -> HostIndex? {
        for _ in 0..<1000 {
            let host = population.randomLiving()
            let isServer = population.network.withNode(host) { !$0.configuration.isReadOnly } ?? false
            if isServer, askerOfHost[host] == nil { return host }
        }
        return nil
    }

    private mutating func observe() {
        for (host, event) in population.network.takeEvents() { handle(event, of: host) }
        if let log = population.network.takePackets() {
            look(at: log)
            population.network.giveBack(log)
        }
    }

    // MARK: Facts

    private mutating func handle(_ event: Event, of host: HostIndex) {
        switch event {
        case .bootstrapFinished(_, let nodes) where nodes > 0: isBootstrapped.insert(host)
        case .lookupFinished(let id, let finished):
            if let asker = askerOfHost[host] {
                lookupFinished(id, finished, by: asker)
            } else {
                announced(Int(id.rawValue), finished)
            }
        case .peersFound(_, let peers, let source):
            guard let asker = askerOfHost[host], let watch = askers[asker].watch else { return }
            let announcer = population.network.endpoint(of: trials[watches[watch].trial].announcer).host
            guard peers.contains(where: { $0.host == announcer }) else { return }
            watches[watch].found(from: source, at: population.network.now)
        default: break
        }
    }

    /// The announce is over: one asker of each policy that is not among those who store it begins to look.
    private mutating func announced(_ trial: Int, _ finished: LookupReport) {
        report.announces += 1
        guard finished.announcedTo > 0 else { return }
        report.announcesStored += 1
        let infoHash = trials[trial].infoHash
        for policy in options.policies {
            guard let asker = drawAsker(policy, notStoring: infoHash) else { continue }
            askers[asker].watch = watches.count
            watches.append(
                LookupWatch(trial: trial, policy: policy, infoHash: infoHash, startedAt: population.network.now))
            let question = Command.lookup(LookupID(UInt64(watches.count)), target: infoHash, .getPeers)
            population.network.command(question, to: askers[asker].host)
        }
    }

    private mutating func drawAsker(_ policy: Policy, notStoring infoHash: InfoHash) -> Int? {
        let free = askers.indices.filter { index in
            askers[index].policy == policy && askers[index].watch == nil
                && population.network.withNode(askers[index].host) { !$0.storesPeers(of: infoHash) } == true
        }
        return free.randomElement(using: &generator)
    }

    private mutating func lookupFinished(_ id: LookupID, _ finished: LookupReport, by asker: Int) {
        guard let watch = askers[asker].watch, id.rawValue == UInt64(watch) + 1 else { return }
        askers[asker].watch = nil
        let target = watches[watch].infoHash
        let best = nearestOpenNode(to: target, except: askers[asker].host)
        let reached = finished.closest.first?.id.distance(to: target)
        let hasFoundClosest = reached.map { reached in best.map { reached <= $0 } ?? false } ?? false
        watches[watch].finished(finished, hasFoundClosest: hasFoundClosest)
    }

    /// How far it is to the nearest node that anybody could reach.
    private func nearestOpenNode(to target: ID160, except asker: HostIndex) -> Distance? {
        let network = population.network
        let nearest = network.nearestNode(to: target) { host in
            host != asker && network.nat(of: host).kind == .open
                && network.withNode(host) { !$0.configuration.isReadOnly } ?? false
        }
        return nearest?.id.distance(to: target)
    }

    private mutating func look(at log: PacketLog) {
        for entry in log.entries {
            guard let asker = askerOfHost[entry.host] else { continue }
            let packet = log.bytes.span.bytes.extracting(entry.range)
            guard let message = try? Message.decode(packet) else { continue }
            switch message.body {
            case .query(let query):
                guard entry.isSent, let watch = askers[asker].watch else { continue }
                watches[watch].sent(query, to: entry.other, at: entry.at)
            case .response(let response):
                guard !entry.isSent else { continue }
                if let watch = askers[asker].watch {
                    watches[watch].received(response, in: packet, from: entry.other, at: entry.at)
                }
                count(response, packet, by: asker)
            case .error: break
            }
        }
    }

    private mutating func count(_ response: Response, _ packet: RawSpan, by asker: Int) {
        guard let figures = options.policies.firstIndex(of: askers[asker].policy) else { return }
        var handedOut = LookupFigures.HandedOut()
        for index in 0..<response.nodes.count {
            let endpoint = response.nodes[index, in: packet].endpoint
            handedOut.contacts += 1
            let isThere = population.network.host(at: endpoint).map { population.network.isAlive($0) } ?? false
            if !isThere {
                handedOut.gone += 1
            } else if !population.network.reaches(endpoint, from: askers[asker].host) {
                handedOut.unreachable += 1
            }
        }
        report.figures[figures].handedOut += handedOut
        report.handedOut += handedOut
    }

    // MARK: Report

    package mutating func finish() -> SimulationReport {
        let living = population.living
        report.nodeCount = living.count
        report.hostCount = population.network.hostCount
        report.departures = population.departures
        report.policies = population.policies
        report.duration = Instant.origin.duration(to: population.network.now)
        report.traffic = population.network.traffic
        report.nodesBootstrapped = isBootstrapped.count
        report.contactsPerNode = Spread(
            living.compactMap { population.network.withNode($0) { Double($0.homes[0].contactCount) } })
        for (index, policy) in options.policies.enumerated() {
            fill(&report.figures[index], with: watches.filter { $0.policy == policy })
        }
        report.digest = population.network.digest.value
        return report
    }

    private func fill(_ figures: inout LookupFigures, with watches: [LookupWatch]) {
        let seconds = { (watch: LookupWatch, end: Instant) in watch.startedAt.duration(to: end).inSeconds }
        let found = watches.filter { watch in
            watch.firstValueAt.map { watch.startedAt.duration(to: $0) <= options.patience } ?? false
        }
        figures.lookups = watches.count
        figures.succeeded = found.count
        figures.closestChecked = watches.count { $0.hasFoundClosest != nil }
        figures.closestFound = watches.count { $0.hasFoundClosest == true }
        figures.firstValueSeconds = Spread(found.compactMap { watch in watch.firstValueAt.map { seconds(watch, $0) } })
        figures.packetsUntilFirstValue = Spread(
            found.compactMap { watch in watch.firstValueAt.map { Double(watch.packets(until: $0)) } })
        figures.firstValueDepth = Spread(found.compactMap { $0.firstValueDepth.map(Double.init) })
        figures.closestSetDepth = Spread(watches.compactMap { $0.closestSetDepth.map(Double.init) })
        let closed = watches.filter { $0.closestSetAt != nil }
        figures.closestSetSeconds = Spread(closed.compactMap { watch in watch.closestSetAt.map { seconds(watch, $0) } })
        figures.packetsUntilClosestSet = Spread(
            closed.compactMap { watch in watch.closestSetAt.map { Double(watch.packets(until: $0)) } })
        figures.finishSeconds = Spread(watches.compactMap { $0.report?.duration.inSeconds })
        figures.packets = Spread(watches.map { Double($0.packetCount) })
    }
}
