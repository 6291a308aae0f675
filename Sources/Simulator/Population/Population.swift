package import Kademlia
package import Primitives

/// A network that is born by real joins, and lives: nodes go, others come in their place.
package struct Population: Sendable {
    package let options: PopulationOptions
    package var network: VirtualNetwork
    private var generator: SeededGenerator
    /// Those who may go, by the length of their sessions.
    private var guests: [HostIndex] = []
    private var residents: [HostIndex] = []
    /// Those the scenario put there: they stay.
    private var settlers: [HostIndex] = []
    private var nextDeparture = Instant.distantFuture
    package private(set) var departures = 0
    package private(set) var policies = PolicyCounts()

    /// Nodes of each policy that were ever there.
    package struct PolicyCounts: Equatable, Sendable {
        package var classic = 0
        package var libtorrentLike = 0
        package var ours = 0
        package var hostile = 0
    }

    package init(
        _ options: PopulationOptions, latency: LatencyModel, faults: FaultRules = FaultRules(),
        generator: SeededGenerator
    ) {
        var generator = generator
        self.options = options
        network = VirtualNetwork(latency: latency, faults: faults, generator: generator.split())
        self.generator = generator
    }

    /// Nodes that are there now, in no particular order that means anything; hostile ones are among them.
    package var living: [HostIndex] { settlers + guests + residents }

    package var livingCount: Int { settlers.count + guests.count + residents.count }

    // MARK: Birth

    /// When the next one may join, so that the network grows no faster than `growthPerSecond`.
    package var joinInterval: Duration {
        let pace = Duration.nanoseconds(Int64(1e9 / (Double(livingCount + 1) * options.growthPerSecond)))
        return min(max(pace, options.shortestJoinInterval), options.longestJoinInterval)
    }

    /// One of the ordinary nodes joins.
    @discardableResult
    package mutating func join() -> HostIndex {
        // The first ones are entry points: without them nobody finds in.
        let isEntry = network.hostCount < options.bootstrapCount
        let isHostile = Double.random(in: 0..<1, using: &generator) < options.hostileShare && !isEntry
        let host = isHostile ? addHostile() : addOrdinary(isEntry: isEntry)
        let isResident = options.sessions.map { sessions in
            let share = nextDeparture == .distantFuture ? sessions.residentShareOfLiving : sessions.residentShare
            return Double.random(in: 0..<1, using: &generator) < share
        }
        if isResident ?? true { residents.append(host) } else { guests.append(host) }
        return host
    }

    /// A node of the scenario's own joins: it is open, and stays.
    package mutating func settle(_ policy: Policy, configuration: Configuration? = nil) -> HostIndex {
        let configuration = policy.configuration(configuration ?? options.configuration)
        let host = network.addNode(configuration: configuration)
        introduce(host)
        settlers.append(host)
        return host
    }

    private mutating func addOrdinary(isEntry: Bool) -> HostIndex {
        let policy = options.drawPolicy(using: &generator)
        let profile = options.drawProfile(using: &generator)
        let nat = options.nat.draw(using: &generator)
        var configuration = policy.configuration(options.configuration)
        let isReadOnly = Double.random(in: 0..<1, using: &generator) < options.readOnlyShare
        configuration.isReadOnly = isReadOnly && !isEntry
        switch policy {
        case .classic: policies.classic += 1
        case .libtorrentLike: policies.libtorrentLike += 1
        case .ours: policies.ours += 1
        }
        let host = network.addNode(
            configuration: configuration, behind: isEntry ? .none : nat, profile: isEntry ? [] : profile)
        introduce(host)
        return host
    }

    private mutating func addHostile() -> HostIndex {
        let kinds = HostileNode.Kind.allCases
        let kind = kinds[Int.random(in: kinds.indices, using: &generator)]
        policies.hostile += 1
        let known = entryPoints()
        let now = network.now
        return network.add { endpoint, generator in
            .adversary(HostileNode(kind, at: endpoint, knowing: known, generator: generator, now: now))
        }
    }

    /// Tells a newcomer of a few that it can reach.
    package mutating func introduce(_ host: HostIndex) {
        let known = entryPoints().filter { $0 != network.endpoint(of: host) }
        if !known.isEmpty { network.command(.bootstrap(known), to: host) }
    }

    /// A few that answer anybody.
    private mutating func entryPoints() -> [Endpoint] {
        var found: [Endpoint] = []
        var attempts = 0
        while found.count < options.bootstrapCount, attempts < 20 * options.bootstrapCount, livingCount > 0 {
            attempts += 1
            let host = randomLiving()
            let isServer = network.withNode(host) { !$0.configuration.isReadOnly } ?? false
            guard network.nat(of: host).kind == .open, isServer else { continue }
            found.append(network.endpoint(of: host))
        }
        return found
    }

    package mutating func randomLiving() -> HostIndex {
        var index = Int.random(in: 0..<livingCount, using: &generator)
        if index < settlers.count { return settlers[index] }
        index -= settlers.count
        return index < guests.count ? guests[index] : residents[index - guests.count]
    }

    // MARK: Life

    /// From now on nodes come and go.
    package mutating func startChurn() {
        scheduleDeparture()
    }

    package mutating func stopChurn() {
        nextDeparture = .distantFuture
    }

    /// Lets one thing happen, if any does until `limit`; otherwise the clock moves there.
    package mutating func step(until limit: Instant) -> Bool {
        if network.step(until: min(limit, nextDeparture)) { return true }
        guard nextDeparture <= limit else { return false }
        replaceOne()
        return true
    }

    private mutating func replaceOne() {
        guard let sessions = options.sessions else { return stopChurn() }
        let isGuest = sessions.isGuestNext(guests: guests.count, residents: residents.count, using: &generator)
        let gone = removeOne(isGuest: isGuest)
        network.remove(gone)
        departures += 1
        join()
        scheduleDeparture()
    }

    /// These fall silent at once, without anybody in their place.
    package mutating func kill(share: Double) {
        for _ in 0..<Int(Double(guests.count + residents.count) * share) {
            let isGuest = Int.random(in: 0..<guests.count + residents.count, using: &generator) < guests.count
            network.remove(removeOne(isGuest: isGuest))
        }
    }

    /// Ends the hostile ones and gives everybody a public address: what a network has to recover from.
    package mutating func healHosts() {
        let hostile = Set(living.filter { network.isHostile($0) })
        guests.removeAll { hostile.contains($0) }
        residents.removeAll { hostile.contains($0) }
        for host in 0..<network.hostCount where hostile.contains(host) { network.remove(host) }
        for host in living {
            network.setNAT(.none, of: host)
            network.setCutOff(false, host)
        }
    }

    private mutating func removeOne(isGuest: Bool) -> HostIndex {
        let count = isGuest ? guests.count : residents.count
        let index = Int.random(in: 0..<count, using: &generator)
        if isGuest { guests.swapAt(index, count - 1) } else { residents.swapAt(index, count - 1) }
        return isGuest ? guests.removeLast() : residents.removeLast()
    }

    private mutating func scheduleDeparture() {
        let pause = options.sessions?.nextDeparture(
            guests: guests.count, residents: residents.count, using: &generator)
        nextDeparture = pause.map { network.now + $0 } ?? .distantFuture
    }
}
