import Kademlia
import Primitives

/// What somebody may do to a network or a node, each with the defence that it is about.
package enum Attack: String, CaseIterable, Sendable {
    /// Sybils around one infohash swallow its announces.
    case eclipse8 = "eclipse-8"
    case eclipse64 = "eclipse-64"
    case eclipse512 = "eclipse-512"
    /// Sybils around one infohash hide it from nodes that have just started.
    case coldStart = "cold-start"
    /// Queries from forged addresses fill routing tables with nodes that do not exist.
    case poisoning
    /// A forged packet starts a conversation with somebody who answers everything.
    case reflector
    /// Tokens are used by others than those they were given to.
    case tokenReplay = "token-replay"
    /// One /24 announces thousands of infohashes.
    case storeFlood = "store-flood"
    /// One /24 announces thousands of peers of one infohash.
    case fakePeers = "fake-peers"
    /// Queries under the address of a victim, who gets the answers.
    case amplification

    /// A node as it is, or without what protects it from this.
    func configuration(isDefended: Bool) -> Configuration {
        var configuration = Configuration()
        guard !isDefended else { return configuration }
        switch self {
        case .eclipse8, .eclipse64, .eclipse512, .coldStart:
            configuration.search.prefersSecureIDs = false
            configuration.search.storeSet = .nearest
            configuration.search.candidatesPerPrefix = .max
            configuration.table.prefersSecureIDs = false
            configuration.table.contactsPerPrefix = .max
            configuration.table.contactsPerPrefixInBucket = .max
        case .poisoning: configuration.table.admission = .heard
        case .reflector, .amplification: configuration.budgets = Budgets(preset: .off)
        case .tokenReplay: configuration.checksTokens = false
        case .storeFlood, .fakePeers: configuration.sharesStores = false
        }
        return configuration
    }

    /// Carries it out, to the end.
    package func carryOut(isDefended: Bool, seed: UInt64) -> AttackReport {
        let configuration = configuration(isDefended: isDefended)
        let (figures, digest) =
            switch self {
            case .eclipse8: EclipseAttack.run(sybilCount: 8, configuration, seed: seed)
            case .eclipse64: EclipseAttack.run(sybilCount: 64, configuration, seed: seed)
            case .eclipse512: EclipseAttack.run(sybilCount: 512, configuration, seed: seed)
            case .coldStart: EclipseAttack.runColdStart(configuration, seed: seed)
            case .poisoning: PoisoningAttack.run(configuration, seed: seed)
            case .reflector: ServerAttacks.reflector(configuration, seed: seed)
            case .tokenReplay: ServerAttacks.tokenReplay(configuration, seed: seed)
            case .storeFlood: ServerAttacks.storeFlood(configuration, seed: seed)
            case .fakePeers: ServerAttacks.fakePeers(configuration, seed: seed)
            case .amplification: ServerAttacks.amplification(configuration, seed: seed)
            }
        return AttackReport(attack: self, isDefended: isDefended, seed: seed, figures: figures, digest: digest)
    }
}

/// What came of one attack.
package struct AttackReport: Equatable, Sendable {
    package let attack: Attack
    package let isDefended: Bool
    package let seed: UInt64
    /// Their bounds are those of a node that is defended.
    package let figures: [Figure]
    package let digest: UInt64

    package var isHeld: Bool { !isDefended || figures.allSatisfy(\.isHeld) }
}

/// A network that has lived for a while, before anybody attacks it.
struct AttackLab {
    private static let warmUp = Duration.seconds(10 * 60)
    private static let patience = Duration.seconds(90)

    var population: Population
    var generator: SeededGenerator
    private var nextID: UInt64 = 1

    init(_ configuration: Configuration, nodeCount: Int = 500, seed: UInt64) {
        var generator = SeededGenerator(number: seed)
        var options = PopulationOptions()
        options.nodeCount = nodeCount
        options.configuration = configuration
        population = Population(
            options, latency: .internet, faults: FaultRules(lossShare: 0.02), generator: generator.split())
        self.generator = generator
        while population.livingCount < nodeCount {
            population.join()
            run(for: population.joinInterval)
        }
        run(for: Self.warmUp)
    }

    var now: Instant { population.network.now }

    mutating func run(for duration: Duration) {
        let end = now + duration
        while population.step(until: end) { _ = population.network.takeEvents() }
    }

    /// One lookup from its start to its end: the peers it found, and how it went.
    mutating func lookUp(
        _ infoHash: InfoHash, _ purpose: LookupPurpose, by host: HostIndex
    ) -> (peers: [Endpoint], report: LookupReport?) {
        let id = LookupID(nextID)
        nextID += 1
        var found: [Endpoint] = []
        let end = now + Self.patience
        population.network.command(.lookup(id, target: infoHash, purpose), to: host)
        while population.step(until: end) {
            for (_, event) in population.network.takeEvents() {
                switch event {
                case .peersFound(id, let peers, _): found += peers
                case .lookupFinished(id, let report): return (found, report)
                default: break
                }
            }
        }
        return (found, nil)
    }
}
