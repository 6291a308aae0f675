import KRPC
import Kademlia
import Primitives

/// Sybils whose ids lie next to an infohash, in few networks: who announces it announces to them, and who looks it up
/// asks them.
enum EclipseAttack {
    private static let sybilsPerNetwork = 8
    private static let spreading = Duration.seconds(10 * 60)
    private static let announcerCount = 5
    private static let lookupCount = 50

    static func run(sybilCount: Int, _ configuration: Configuration, seed: UInt64) -> ([Figure], UInt64) {
        var lab = AttackLab(configuration, seed: seed)
        let target = InfoHash.random(using: &lab.generator)
        addSybils(at: (0..<sybilCount).map(address), around: target, to: &lab)
        lab.run(for: spreading)
        var (stored, found, lookups) = (0, 0, 0)
        for _ in 0..<announcerCount {
            let announcer = lab.population.randomLiving()
            if lab.lookUp(target, .announce(port: 0), by: announcer).report?.announcedTo ?? 0 > 0 { stored += 1 }
            let peer = lab.population.network.endpoint(of: announcer).host
            for _ in 0..<lookupCount / announcerCount {
                let asker = lab.population.randomLiving()
                guard asker != announcer else { continue }
                lookups += 1
                if lab.lookUp(target, .getPeers, by: asker).peers.contains(where: { $0.host == peer }) { found += 1 }
            }
        }
        let figures = [
            Figure("found_share", found, of: lookups, .atLeast(0.9)), Figure("announces_stored", stored),
            Figure("lookups", lookups),
        ]
        return (figures, lab.population.network.digest.value)
    }

    private static let coldSybilCount = 16
    private static let coldAskerCount = 20

    /// A hundred nodes, 16 sybils in eight networks as large as a /8, and askers that start with three nodes and no
    /// idea of the network's size; half of them look for a peer that came before the sybils.
    static func runColdStart(_ configuration: Configuration, seed: UInt64) -> ([Figure], UInt64) {
        var lab = AttackLab(configuration, nodeCount: 100, seed: seed)
        let target = InfoHash.random(using: &lab.generator)
        let early = lab.population.randomLiving()
        _ = lab.lookUp(target, .announce(port: 0), by: early)
        let addresses = (0..<coldSybilCount).map { number -> UInt32 in
            let first = UInt32(100 + 10 * (number % 8))
            return first << 24 | UInt32(number) << 12 | 1
        }
        addSybils(at: addresses, around: target, to: &lab)
        lab.run(for: spreading)
        let late = lab.population.randomLiving()
        _ = lab.lookUp(target, .announce(port: 0), by: late)
        var (found, foundEarly, queries) = (0, 0, 0)
        for _ in 0..<coldAskerCount {
            let asker = lab.population.settle(.ours)
            let (peers, report) = lab.lookUp(target, .getPeers, by: asker)
            let hosts = Set(peers.map(\.host))
            if hosts.contains(lab.population.network.endpoint(of: late).host) { found += 1 }
            if hosts.contains(lab.population.network.endpoint(of: early).host) { foundEarly += 1 }
            queries += report?.queried ?? 0
        }
        let figures = [
            Figure("found_share", found, of: coldAskerCount, .atLeast(0.95)),
            Figure("found_early_share", foundEarly, of: coldAskerCount, .atLeast(0.95)),
            Figure("queries_mean", queries, of: coldAskerCount),
        ]
        return (figures, lab.population.network.digest.value)
    }

    /// Their ids share 40 bits with the target, which nobody else does in a network of a few hundred.
    private static func addSybils(at addresses: [UInt32], around target: InfoHash, to lab: inout AttackLab) {
        let fellows = addresses.map { address in
            let low = lab.generator.next()
            let id = NodeID(
                high: target.high ^ low >> 40, middle: lab.generator.next(), low: UInt32(truncatingIfNeeded: low))
            return Contact(id: id, endpoint: .v4(EndpointV4(address: address, port: 6881)))
        }
        let known = lab.population.living.map { lab.population.network.endpoint(of: $0) }
        for (address, fellow) in zip(addresses, fellows) {
            let now = lab.now
            _ = lab.population.network.add(at: address) { _, generator in
                .adversary(Sybil(fellow, among: fellows, target: target, known: known, generator: generator, now: now))
            }
        }
    }

    /// In 200.0.0.0/8, eight to a /24.
    private static func address(_ number: Int) -> UInt32 {
        200 << 24 | UInt32(number / sybilsPerNetwork) << 8 | UInt32(1 + number % sybilsPerNetwork)
    }
}

/// One of a crowd that knows only its fellows, and keeps what is announced to it for itself.
private struct Sybil: Adversary {
    private static let pause = Duration.seconds(5)

    let homes: [Endpoint]
    private(set) var nextDeadline: Instant?
    private let fellows: [Contact]
    private let target: InfoHash
    private let known: [Endpoint]
    private let encoder: MessageEncoder
    private var generator: SeededGenerator

    init(
        _ own: Contact, among fellows: [Contact], target: InfoHash, known: [Endpoint], generator: SeededGenerator,
        now: Instant
    ) {
        homes = [own.endpoint]
        self.fellows = fellows
        self.target = target
        self.known = known
        encoder = MessageEncoder(id: own.id)
        self.generator = generator
        nextDeadline = now + Self.pause
    }

    /// Makes itself known.
    mutating func timedOut(now: Instant, into outbox: inout Outbox) {
        nextDeadline = now + Self.pause
        guard let endpoint = known.randomElement(using: &generator) else { return }
        let number = UInt32(truncatingIfNeeded: generator.next())
        outbox.append(to: endpoint) { encoder.findNode(target: target, number: number, into: &$0) }
    }

    mutating func received(
        _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
    ) {
        guard let message = try? Message.decode(packet), case .query(let query) = message.body else { return }
        var content = ReplyContent()
        if query.target != nil {
            let first = Int.random(in: fellows.indices, using: &generator)
            content.nodes = (0..<min(8, fellows.count)).map { fellows[(first + $0) % fellows.count] }
            content.token = generator.next()
        }
        outbox.append(to: source) { bytes in
            encoder.reply(content, to: message.transaction, of: packet, observed: source, into: &bytes)
        }
    }
}
