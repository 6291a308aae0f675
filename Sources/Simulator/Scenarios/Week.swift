import Kademlia
import Primitives

/// The scenario `week`: nodes come and go for days, announce and look up, and what they hold is noted hour by hour.
package struct Week: Scenario {
    private enum Phase: String {
        case joining, living, finished
    }

    /// An announce that others can look up.
    private struct Announced {
        let infoHash: InfoHash
        let host: HostIndex
    }

    private struct Search {
        let announced: Announced
        var hasFound = false
    }

    private let options: WeekOptions
    private var population: Population
    private var generator: SeededGenerator
    private var checker = StateChecker()
    private var phase = Phase.joining
    private var joined = 0
    private var nextJoin = Instant.origin
    private var nextWork = Instant.distantFuture
    private var nextSample = Instant.distantFuture
    private var startedAt = Instant.origin
    /// Announces under way, by the number of their lookup; likewise the lookups. Never iterated.
    private var announces: [UInt64: Announced] = [:]
    private var searches: [UInt64: Search] = [:]
    private var recent: [Announced] = []
    private var nextID: UInt64 = 1
    private var report = WeekReport()
    private var day = WeekReport.Day()
    private var before = (departures: 0, events: 0, bytesSent: 0)

    package init(_ options: WeekOptions) {
        self.options = options
        generator = SeededGenerator(number: options.seed)
        population = Population(
            options.population, latency: options.latency, faults: options.faults, generator: generator.split())
    }

    package mutating func advance(events: Int) -> Bool {
        for _ in 0..<events {
            let due = min(nextJoin, nextWork, nextSample)
            if population.step(until: due) { observe() } else { goOn(at: due) }
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
        case .living, .finished:
            progress.phase = "day"
            progress.done = .init(min(report.days.count + 1, options.days), of: options.days)
        }
        return progress
    }

    /// Whole days that have passed.
    package var daysDone: Int { report.days.count }

    package mutating func finish() -> WeekReport {
        report.nodeCount = population.livingCount
        report.violations = checker.violations
        report.violationCount = checker.violationCount
        report.digest = population.network.digest.value
        return report
    }

    // MARK: What is due

    private var sampleInterval: Duration { options.dayLength / options.samplesPerDay }

    private mutating func goOn(at due: Instant) {
        let now = population.network.now
        if nextJoin <= due { return join(now: now) }
        if nextSample <= due {
            sample()
            nextSample = now + sampleInterval
            if day.samples.count == options.samplesPerDay { endDay() }
            return
        }
        nextWork = now + options.workInterval
        work()
    }

    private mutating func join(now: Instant) {
        population.join()
        joined += 1
        nextJoin = now + population.joinInterval
        guard joined == options.population.nodeCount else { return }
        population.startChurn()
        phase = .living
        startedAt = now
        nextJoin = .distantFuture
        nextWork = now + options.workInterval
        nextSample = now + sampleInterval
    }

    private mutating func work() {
        if let announcer = drawNode() {
            let announced = Announced(infoHash: .random(using: &generator), host: announcer)
            announces[nextID] = announced
            look(up: announced.infoHash, .announce(port: 0), by: announcer)
        }
        guard let announced = recent.randomElement(using: &generator), let asker = drawNode(),
            population.network.withNode(asker, { !$0.storesPeers(of: announced.infoHash) }) == true
        else { return }
        searches[nextID] = Search(announced: announced)
        day.lookups += 1
        look(up: announced.infoHash, .getPeers, by: asker)
    }

    private mutating func look(up infoHash: InfoHash, _ purpose: LookupPurpose, by host: HostIndex) {
        population.network.command(.lookup(LookupID(nextID), target: infoHash, purpose), to: host)
        nextID += 1
    }

    /// One of ours.
    private mutating func drawNode() -> HostIndex? {
        for _ in 0..<100 {
            let host = population.randomLiving()
            if !population.network.isHostile(host) { return host }
        }
        return nil
    }

    // MARK: What was told

    private mutating func observe() {
        for (host, event) in population.network.takeEvents() { handle(event, of: host) }
    }

    private mutating func handle(_ event: Event, of host: HostIndex) {
        switch event {
        case .lookupFinished(let id, let finished):
            if let announced = announces.removeValue(forKey: id.rawValue) {
                day.announces += 1
                guard finished.announcedTo > 0 else { return }
                day.announcesStored += 1
                recent.append(announced)
                if recent.count > options.recentCount { recent.removeFirst() }
            } else if let search = searches.removeValue(forKey: id.rawValue), search.hasFound {
                day.succeeded += 1
            }
        case .peersFound(let id, let peers, _):
            guard let announced = searches[id.rawValue]?.announced else { return }
            let announcer = population.network.endpoint(of: announced.host).host
            if peers.contains(where: { $0.host == announcer }) { searches[id.rawValue]?.hasFound = true }
        default: break
        }
    }

    // MARK: Footprint

    private mutating func sample() {
        var footprint = WeekReport.Footprint()
        let now = population.network.now
        for host in population.living {
            guard let statistics = population.network.withNode(host, { $0.statistics }) else { continue }
            footprint.add(statistics)
            if let facts = population.network.withNode(host, { NodeFacts($0) }) {
                checker.check(facts, host: host, now: now)
            }
        }
        day.samples.append(footprint)
    }

    private mutating func endDay() {
        let traffic = population.network.traffic
        day.departures = population.departures - before.departures
        day.events = traffic.events - before.events
        day.bytesSent = traffic.bytesSent - before.bytesSent
        before = (population.departures, traffic.events, traffic.bytesSent)
        report.days.append(day)
        day = WeekReport.Day()
        if report.days.count == options.days { phase = .finished }
    }
}

extension WeekReport.Footprint {
    mutating func add(_ statistics: Statistics) {
        nodes += 1
        contacts.add(statistics.contactsV4 + statistics.contactsV6)
        spares.add(statistics.replacements)
        unverified.add(statistics.unverifiedContacts)
        transactions.add(statistics.transactionsInFlight)
        lookups.add(statistics.lookupsRunning)
        infoHashes.add(statistics.infoHashes)
        peers.add(statistics.peersStored)
        sources.add(statistics.trackedSources)
        flows.add(statistics.budgets.liveFlows)
        cachedLookups.add(statistics.search.cachedLookups)
    }
}
