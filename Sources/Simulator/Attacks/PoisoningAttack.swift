import KRPC
import Kademlia
import Primitives

/// Queries from addresses where nobody is, under ids that nobody has: who believes them has a table of ghosts.
enum PoisoningAttack {
    private static let attackerCount = 10
    private static let duration = Duration.seconds(20 * 60)

    static func run(_ configuration: Configuration, seed: UInt64) -> ([Figure], UInt64) {
        var lab = AttackLab(configuration, seed: seed)
        let before = ghostShare(lab)
        let known = lab.population.living.map { lab.population.network.endpoint(of: $0) }
        for number in 0..<attackerCount {
            let now = lab.now
            _ = lab.population.network.add(at: 200 << 24 | UInt32(number + 1) << 8 | 1) { _, generator in
                .adversary(Poisoner(known: known, generator: generator, now: now))
            }
        }
        lab.run(for: duration)
        var found = 0
        let lookupCount = 30
        for _ in 0..<lookupCount {
            let infoHash = InfoHash.random(using: &lab.generator)
            let announcer = lab.population.randomLiving()
            _ = lab.lookUp(infoHash, .announce(port: 0), by: announcer)
            if !lab.lookUp(infoHash, .getPeers, by: lab.population.randomLiving()).peers.isEmpty { found += 1 }
        }
        let figures = [
            Figure("ghost_share_before", before), Figure("ghost_share", ghostShare(lab), .atMost(0.01)),
            Figure("found_share", found, of: lookupCount, .atLeast(0.95)),
        ]
        return (figures, lab.population.network.digest.value)
    }

    /// The share of contacts in all tables that no living node of that id stands behind.
    private static func ghostShare(_ lab: AttackLab) -> Double {
        let network = lab.population.network
        var (contacts, ghosts) = (0, 0)
        for host in lab.population.living {
            for contact in network.withNode(host, { $0.homes[0].contacts }) ?? [] {
                contacts += 1
                let owner = network.host(at: contact.endpoint)
                let id = owner.flatMap { network.withNode($0) { $0.homes[0].id } }
                if id != contact.id { ghosts += 1 }
            }
        }
        return contacts == 0 ? 0 : Double(ghosts) / Double(contacts)
    }
}

/// Sends under forged addresses only, 50 packets a second.
private struct Poisoner: Adversary {
    private static let pause = Duration.milliseconds(20)

    let homes: [Endpoint]
    private(set) var nextDeadline: Instant?
    private let known: [Endpoint]
    private var generator: SeededGenerator

    init(known: [Endpoint], generator: SeededGenerator, now: Instant) {
        var generator = generator
        // Nobody lives in 80.0.0.0/8.
        homes = (0..<1000).map { _ in
            .v4(EndpointV4(address: 80 << 24 | UInt32(generator.next() & 0xFF_FFFF), port: 6881))
        }
        self.known = known
        self.generator = generator
        nextDeadline = now + Self.pause
    }

    mutating func timedOut(now: Instant, into outbox: inout Outbox) {
        nextDeadline = now + Self.pause
        guard let endpoint = known.randomElement(using: &generator) else { return }
        let encoder = MessageEncoder(id: .random(using: &generator))
        let home = Int.random(in: homes.indices, using: &generator)
        let number = UInt32(truncatingIfNeeded: generator.next())
        outbox.append(to: endpoint, via: home) { encoder.ping(number: number, into: &$0) }
    }

    mutating func received(
        _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
    ) {}
}
