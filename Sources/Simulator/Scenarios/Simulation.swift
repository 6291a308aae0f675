import KRPC
import Kademlia
import Primitives

/// The scenario `lookups`: nodes join one by one through real bootstraps and live for a while; some announce, and
/// askers of each policy look up what was announced, side by side in one network.
package struct Simulation {
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

    private let options: SimulationOptions
    private var population: Population
    private var generator: SeededGenerator
    private var trials: [Trial] = []
    private var askers: [Asker] = []
    private var askerOfHost: [HostIndex: Int] = [:]
    private var watches: [LookupWatch] = []
    private var isBootstrapped: Set<HostIndex> = []
    private var isMeasuring = false
    private var report = SimulationReport()

    /// Runs the whole scenario.
    package static func run(_ options: SimulationOptions) -> SimulationReport {
        var simulation = Simulation(options)
        simulation.join()
        simulation.announceAndLookUp()
        return simulation.finish()
    }

    private init(_ options: SimulationOptions) {
        self.options = options
        generator = SeededGenerator(number: options.seed)
        population = Population(
            options.population, latency: options.latency, faults: options.faults, generator: generator.split())
        report.figures = options.policies.map(LookupFigures.init)
    }

    // MARK: Phases

    /// Everybody joins through a few random earlier nodes; askers come evenly among the others.
    private mutating func join() {
        let askerCount = options.askersPerPolicy * options.policies.count
        let ordinaryCount = max(options.population.nodeCount - askerCount, 1)
        for index in 0..<ordinaryCount {
            run(until: population.network.now + population.joinInterval)
            population.join()
            while askers.count * ordinaryCount < askerCount * index { addAsker() }
        }
        while askers.count < askerCount { addAsker() }
        population.startChurn()
        run(until: population.network.now + options.warmUp)
        population.kill(share: options.deadShare)
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

    private mutating func announceAndLookUp() {
        for asker in askers { population.network.setWatched(true, asker.host) }
        isMeasuring = true
        for index in 0..<options.lookupCount {
            run(until: population.network.now + options.lookupInterval)
            guard let announcer = drawAnnouncer() else { return }
            let trial = Trial(infoHash: .random(using: &generator), announcer: announcer)
            trials.append(trial)
            let id = LookupID(UInt64(index))
            population.network.command(.lookup(id, target: trial.infoHash, .announce(port: 0)), to: announcer)
        }
        // What is under way ends within the lifetime of a lookup: an announce, then the lookup for it.
        let lifetime = options.population.configuration.search.lifetime
        run(until: population.network.now + lifetime)
        run(until: population.network.now + options.patience)
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

    private mutating func run(until limit: Instant) {
        while population.step(until: limit) {
            for (host, event) in population.network.takeEvents() { handle(event, of: host) }
            if let log = population.network.takePackets() {
                look(at: log)
                population.network.giveBack(log)
            }
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
        case .peersFound(_, let peers, _):
            guard let asker = askerOfHost[host], let watch = askers[asker].watch else { return }
            let announcer = population.network.endpoint(of: trials[watches[watch].trial].announcer).host
            guard peers.contains(where: { $0.host == announcer }) else { return }
            watches[watch].found(at: population.network.now)
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
        let best = nearestOpenDistance(to: watches[watch].infoHash, except: askers[asker].host)
        let reached = finished.closest.first?.id.distance(to: watches[watch].infoHash)
        let hasFoundClosest = reached.map { reached in best.map { reached <= $0 } ?? false } ?? false
        watches[watch].finished(finished, hasFoundClosest: hasFoundClosest)
    }

    private func nearestOpenDistance(to target: ID160, except asker: HostIndex) -> Distance? {
        var best: Distance?
        for host in population.living where host != asker && population.network.nat(of: host).kind == .open {
            let distance = population.network.withNode(host) { node in
                node.configuration.isReadOnly ? nil : node.homes[0].id.distance(to: target)
            }
            if let distance = distance ?? nil, best.map({ distance < $0 }) ?? true { best = distance }
        }
        return best
    }

    private mutating func look(at log: PacketLog) {
        for entry in log.entries {
            guard let asker = askerOfHost[entry.host] else { continue }
            let packet = log.bytes.span.bytes.extracting(entry.range)
            guard let message = try? Message.decode(packet) else { continue }
            switch message.body {
            case .query(let query):
                if entry.isSent, let watch = askers[asker].watch { watches[watch].sent(query, at: entry.at) }
            case .response(let response):
                guard !entry.isSent else { continue }
                if let watch = askers[asker].watch {
                    watches[watch].received(response, from: entry.other, at: entry.at)
                }
                count(response, packet, by: asker)
            case .error: break
            }
        }
    }

    private mutating func count(_ response: Response, _ packet: RawSpan, by asker: Int) {
        guard isMeasuring, let figures = options.policies.firstIndex(of: askers[asker].policy) else { return }
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

    private mutating func finish() -> SimulationReport {
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
        figures.closestFound = watches.count(where: \.hasFoundClosest)
        figures.firstValueSeconds = Spread(found.compactMap { watch in watch.firstValueAt.map { seconds(watch, $0) } })
        figures.packetsUntilFirstValue = Spread(
            found.compactMap { watch in watch.firstValueAt.map { Double(watch.packets(until: $0)) } })
        let closed = watches.filter { $0.closestSetAt != nil }
        figures.closestSetSeconds = Spread(closed.compactMap { watch in watch.closestSetAt.map { seconds(watch, $0) } })
        figures.packetsUntilClosestSet = Spread(
            closed.compactMap { watch in watch.closestSetAt.map { Double(watch.packets(until: $0)) } })
        figures.finishSeconds = Spread(watches.compactMap { $0.report?.duration.inSeconds })
        figures.packets = Spread(watches.map { Double($0.packetCount) })
    }
}
