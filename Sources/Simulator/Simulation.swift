import KRPC
import Kademlia
import Primitives

/// A scenario: nodes join one by one through real bootstraps, some announce, others look up what was announced.
package struct Simulation {
    /// One infohash on its way from the announcer to the asker.
    private struct Trial {
        let infoHash: InfoHash
        let announcer: Int
        let asker: Int
        var askedAt = Instant.origin
        var foundAfter: Duration?
        var report: LookupReport?
    }

    private let options: SimulationOptions
    private var network: VirtualNetwork
    private var generator: SeededGenerator
    private var trials: [Trial] = []
    private var alive: [Bool] = []
    private var isBootstrapped: [Bool] = []
    private var report = SimulationReport()

    /// Runs the whole scenario.
    package static func run(_ options: SimulationOptions) -> SimulationReport {
        var simulation = Simulation(options)
        simulation.join()
        simulation.makeSomeSilent()
        simulation.announceAndLookUp()
        return simulation.finish()
    }

    private init(_ options: SimulationOptions) {
        self.options = options
        generator = SeededGenerator(number: options.seed)
        network = VirtualNetwork(
            latency: options.latency, lossShare: options.lossShare, generator: generator.split())
    }

    /// Everybody joins through a few random earlier nodes.
    private mutating func join() {
        var nextJoin = network.now
        for index in 0..<options.nodeCount {
            run(until: nextJoin)
            let node = network.add(configuration: options.configuration)
            alive.append(true)
            isBootstrapped.append(false)
            if index > 0 {
                let known = (0..<options.bootstrapCount).map { _ in Int.random(in: 0..<index, using: &generator) }
                network.command(.bootstrap(known.map(network.endpoint)), to: node)
            }
            let pace = Duration.nanoseconds(Int64(1e9 / (Double(index + 1) * options.growthPerSecond)))
            nextJoin = nextJoin + min(max(pace, options.shortestJoinInterval), options.longestJoinInterval)
        }
        run(until: network.now + options.settling)
    }

    private mutating func makeSomeSilent() {
        let count = Int(Double(options.nodeCount) * options.deadShare)
        for index in alive.indices.shuffled(using: &generator).prefix(count) {
            network.kill(index)
            alive[index] = false
        }
    }

    private mutating func announceAndLookUp() {
        let living = alive.indices.filter { alive[$0] }
        guard living.count > 1 else { return }
        for _ in 0..<options.lookupCount {
            run(until: network.now + options.lookupInterval)
            let announcer = Int.random(in: living.indices, using: &generator)
            let offset = Int.random(in: 1..<living.count, using: &generator)
            let asker = (announcer + offset) % living.count
            let infoHash = InfoHash.random(using: &generator)
            let trial = Trial(infoHash: infoHash, announcer: living[announcer], asker: living[asker])
            let id = LookupID(UInt64(trials.count) * 2)
            trials.append(trial)
            network.command(.lookup(id, target: infoHash, .announce(port: 0)), to: trial.announcer)
        }
        // What is under way ends within the lifetime of a lookup: an announce, then the lookup for it.
        let lifetime = options.configuration.search.lifetime + options.patience
        let deadline = network.now + lifetime
        while network.now < deadline, trials.contains(where: { $0.report == nil }) {
            run(until: min(deadline, network.now + .seconds(1)))
        }
    }

    private mutating func run(until limit: Instant) {
        while network.step(until: limit) {
            for (node, event) in network.takeEvents() { handle(event, of: node) }
        }
    }

    private mutating func handle(_ event: Event, of node: Int) {
        switch event {
        case .bootstrapFinished(_, let nodes) where nodes > 0 && !isBootstrapped[node]:
            isBootstrapped[node] = true
            report.nodesBootstrapped += 1
        case .lookupFinished(let id, let finished): lookupFinished(id, finished)
        case .peersFound(let id, let peers, _):
            let trial = Int(id.rawValue / 2)
            guard id.rawValue % 2 == 1, trials[trial].foundAfter == nil,
                peers.contains(network.endpoint(of: trials[trial].announcer))
            else { return }
            trials[trial].foundAfter = trials[trial].askedAt.duration(to: network.now)
        default: break
        }
    }

    private mutating func lookupFinished(_ id: LookupID, _ finished: LookupReport) {
        let trial = Int(id.rawValue / 2)
        guard id.rawValue.isMultiple(of: 2) else {
            trials[trial].report = finished
            return
        }
        report.announces += 1
        if finished.announcedTo > 0 { report.announcesStored += 1 }
        trials[trial].askedAt = network.now
        let question = Command.lookup(
            LookupID(id.rawValue + 1), target: trials[trial].infoHash, .getPeers)
        network.command(question, to: trials[trial].asker)
    }

    private mutating func finish() -> SimulationReport {
        report.nodeCount = network.nodeCount
        report.duration = Instant.origin.duration(to: network.now)
        report.traffic = network.traffic
        let living = alive.indices.filter { alive[$0] }
        report.contactsPerNode = .init(living.map { Double(network.node($0).homes[0].contactCount) })
        report.lookups = trials.count
        let found = trials.compactMap(\.foundAfter)
        report.lookupsSucceeded = found.count
        report.firstValueSeconds = .init(found.map(\.inSeconds))
        let finished = trials.compactMap(\.report)
        report.finishSeconds = .init(finished.map(\.duration.inSeconds))
        report.queriesPerLookup = .init(finished.map { Double($0.queried) })
        report.lookupsClosestFound = trials.reduce(0) { $0 + (hasFoundClosest($1) ? 1 : 0) }
        report.digest = network.digest.value
        return report
    }

    private func hasFoundClosest(_ trial: Trial) -> Bool {
        guard let nearest = trial.report?.closest.first else { return false }
        let others = alive.indices.lazy.filter { alive[$0] && $0 != trial.asker }
        let best = others.map { network.node($0).homes[0].id.distance(to: trial.infoHash) }.min()
        return best == nearest.id.distance(to: trial.infoHash)
    }
}
