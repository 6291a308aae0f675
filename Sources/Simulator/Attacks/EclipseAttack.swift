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
        let fellows = (0..<sybilCount).map { number in
            // Nobody else shares 40 bits with it in a network of a few hundred.
            let low = lab.generator.next()
            let id = NodeID(
                high: target.high ^ low >> 40, middle: lab.generator.next(), low: UInt32(truncatingIfNeeded: low))
            return Contact(id: id, endpoint: .v4(EndpointV4(address: address(number), port: 6881)))
        }
        let known = lab.population.living.map { lab.population.network.endpoint(of: $0) }
        for (number, fellow) in fellows.enumerated() {
            let now = lab.now
            _ = lab.population.network.add(at: address(number)) { _, generator in
                .adversary(Sybil(fellow, among: fellows, target: target, known: known, generator: generator, now: now))
            }
        }
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
