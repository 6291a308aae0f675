import Kademlia
import Primitives

/// The scenario `faults`: a network goes through a mix of faults that the seed draws while checkers watch every packet
/// and every table; then all is healed, and it has to come to life again.
package struct Faults: Scenario {
    private enum Phase: String {
        case joining, trouble, healing, announcing
        case lookingUp = "looking up"
        case finished
    }

    private let options: FaultsOptions
    private let mix: FaultMix
    private var population: Population
    private var generator: SeededGenerator
    private var checker = SafetyChecker()
    private var phase = Phase.joining
    private var joined = 0
    private var nextTurn = Instant.origin
    private var turnsLeft = 0
    private var outages: [HostIndex] = []
    /// By the number of their lookup; never iterated.
    private var announces: [UInt64: (infoHash: InfoHash, host: HostIndex)] = [:]
    private var searches: [UInt64: Endpoint] = [:]
    private var stored: [(infoHash: InfoHash, host: HostIndex)] = []
    private var nextID: UInt64 = 1
    private var report = FaultsReport()

    package init(_ options: FaultsOptions) {
        self.options = options
        var generator = SeededGenerator(number: options.seed)
        mix = FaultMix.draw(using: &generator)
        let nodeCount = Int.random(in: options.nodeCounts, using: &generator)
        population = Population(
            mix.population(of: nodeCount), latency: options.latency, generator: generator.split())
        self.generator = generator
    }

    package mutating func advance(events: Int) -> Bool {
        for _ in 0..<events {
            if population.step(until: nextTurn) {
                checker.observe(&population.network)
                for (_, event) in population.network.takeEvents() { handle(event) }
            } else {
                takeTurn(now: population.network.now)
            }
            if phase == .finished { return false }
        }
        return true
    }

    package var progress: ScenarioProgress {
        ScenarioProgress(
            phase: phase.rawValue, now: population.network.now, events: population.network.traffic.events,
            nodeCount: population.livingCount)
    }

    package mutating func finish() -> FaultsReport {
        checker.checkAll(population.network)
        report.seed = options.seed
        report.mix = mix
        report.nodeCount = population.livingCount
        report.events = population.network.traffic.events
        report.packetsChecked = checker.packetsChecked
        report.statesChecked = checker.statesChecked
        report.violations = checker.violations
        report.violationCount = checker.violationCount
        report.digest = population.network.digest.value
        return report
    }

    // MARK: What is due

    private mutating func takeTurn(now: Instant) {
        switch phase {
        case .joining: join(now: now)
        case .trouble:
            turnsLeft -= 1
            if turnsLeft == 0 { heal(now: now) } else { stir(now: now) }
        case .healing:
            countPoorNodes()
            (phase, turnsLeft) = (.announcing, options.lookupCount)
            nextTurn = now + options.lookupInterval
        case .announcing:
            announce()
            turnsLeft -= 1
            nextTurn = now + (turnsLeft == 0 ? options.patience : options.lookupInterval)
            if turnsLeft == 0 { phase = .lookingUp }
        case .lookingUp:
            guard turnsLeft == 0 else { return phase = .finished }
            turnsLeft = 1
            for index in stored.indices { lookUp(stored[index]) }
            nextTurn = now + options.patience
        case .finished: break
        }
    }

    private mutating func join(now: Instant) {
        population.join()
        joined += 1
        nextTurn = now + population.joinInterval
        guard joined == population.options.nodeCount else { return }
        population.startChurn()
        (phase, turnsLeft) = (.trouble, options.troubleTurns)
        stir(now: now)
    }

    /// Other faults than before, and something to do meanwhile.
    private mutating func stir(now: Instant) {
        let isCalm = Bool.random(using: &generator)
        let rules = mix.rules(using: &generator)
        population.network.faults = isCalm ? FaultRules() : rules
        for host in outages where population.network.isAlive(host) { population.network.setCutOff(false, host) }
        outages = []
        if mix.hasOutages {
            outages = (0..<max(1, population.livingCount / 10)).map { _ in population.randomLiving() }
            for host in outages { population.network.setCutOff(true, host) }
        }
        for _ in 0..<4 {
            let purpose: LookupPurpose = Bool.random(using: &generator) ? .announce(port: 0) : .getPeers
            look(up: .random(using: &generator), purpose, by: population.randomLiving())
        }
        nextTurn = now + options.turn
    }

    private mutating func heal(now: Instant) {
        population.network.faults = FaultRules()
        population.stopChurn()
        population.healHosts()
        phase = .healing
        nextTurn = now + options.healing
    }

    private mutating func countPoorNodes() {
        let enough = min(8, population.livingCount - 1)
        report.poorNodes = population.living.count { host in
            population.network.withNode(host) { $0.homes[0].contactCount < enough && !$0.configuration.isReadOnly }
                ?? false
        }
    }

    private mutating func announce() {
        let host = population.randomLiving()
        let infoHash = InfoHash.random(using: &generator)
        announces[nextID] = (infoHash, host)
        report.announces += 1
        look(up: infoHash, .announce(port: 0), by: host)
    }

    private mutating func lookUp(_ announced: (infoHash: InfoHash, host: HostIndex)) {
        var asker = population.randomLiving()
        while asker == announced.host { asker = population.randomLiving() }
        searches[nextID] = population.network.endpoint(of: announced.host)
        report.lookups += 1
        look(up: announced.infoHash, .getPeers, by: asker)
    }

    private mutating func look(up infoHash: InfoHash, _ purpose: LookupPurpose, by host: HostIndex) {
        population.network.command(.lookup(LookupID(nextID), target: infoHash, purpose), to: host)
        nextID += 1
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .lookupFinished(let id, let finished):
            guard let announced = announces.removeValue(forKey: id.rawValue), finished.announcedTo > 0 else { return }
            report.announcesStored += 1
            stored.append(announced)
        case .peersFound(let id, let peers, _):
            guard let wanted = searches[id.rawValue], peers.contains(where: { $0.host == wanted.host }) else { return }
            searches[id.rawValue] = nil
            report.succeeded += 1
        default: break
        }
    }
}

/// How long, and how many.
package struct FaultsOptions: Sendable {
    package var seed: UInt64
    package var nodeCounts = 40...160
    /// Faults change after each turn.
    package var turn = Duration.seconds(30)
    package var troubleTurns = 30
    package var healing = Duration.seconds(15 * 60)
    package var lookupCount = 40
    package var lookupInterval = Duration.seconds(1)
    /// For what is under way at the end of a phase.
    package var patience = Duration.seconds(60)
    package var latency = LatencyModel.internet

    package init(seed: UInt64) {
        self.seed = seed
    }
}
