import Kademlia
import Primitives

/// Attacks on one node, which need no network around it.
struct ServerAttacks {
    private static let thief = ServerAttacks.endpoint(200 << 24 | 1 << 8 | 1)
    private static let minute = Duration.seconds(60)

    private var network: VirtualNetwork
    private let host: HostIndex
    private let node: Endpoint

    private init(_ configuration: Configuration, seed: UInt64) {
        network = VirtualNetwork(
            latency: .uniform(.milliseconds(15)...(.milliseconds(85))), generator: SeededGenerator(number: seed))
        host = network.addNode(configuration: configuration)
        node = network.endpoint(of: host)
    }

    /// Ten pings from somebody who answers every packet with a query, and ten from somebody who sends it back.
    static func reflector(_ configuration: Configuration, seed: UInt64) -> ([Figure], UInt64) {
        var scene = ServerAttacks(configuration, seed: seed)
        let pings = Array(repeating: Talker.Plan.ping, count: 10)
        let asker = scene.add(Talker([endpoint(200 << 24 | 2 << 8 | 1)], to: scene.node, .asksAgain, pings))
        let mirror = scene.add(Talker([endpoint(200 << 24 | 3 << 8 | 1)], to: scene.node, .sendsBack, pings))
        scene.run(for: minute)
        let figures = [
            // Ten a second for a minute, the burst, and pings to see who that is until it is known to be silent.
            Figure("packets_to_who_asks_again", scene.talker(asker)?.packetsReceived ?? 0, .atMost(800)),
            // An answer that comes back is no query. A ping to see who that is may be among them.
            Figure("packets_to_who_sends_back", scene.talker(mirror)?.packetsReceived ?? 0, .atMost(20)),
        ]
        return (figures, scene.network.digest.value)
    }

    /// A token is used from the next address and from far away, then for another infohash, then as it was meant.
    static func tokenReplay(_ configuration: Configuration, seed: UInt64) -> ([Figure], UInt64) {
        var scene = ServerAttacks(configuration, seed: seed)
        let homes = [thief, endpoint(200 << 24 | 1 << 8 | 2), endpoint(210 << 24 | 1)]
        let pause = Array(repeating: Talker.Plan.wait, count: 10)
        let plan: [Talker.Plan] =
            [.getPeers(number: 0)] + pause + [
                .announce(number: 0, tokenOf: 0, home: 1), .announce(number: 0, tokenOf: 0, home: 2),
                .announce(number: 1, tokenOf: 0, home: 0),
            ] + pause + pause + [.announce(number: 0, tokenOf: 0, home: 0)]
        _ = scene.add(Talker(homes, to: scene.node, .listens, plan))
        scene.run(for: .seconds(2))
        let (elsewhere, another) = (scene.stores(0), scene.stores(1))
        scene.run(for: .seconds(3))
        let figures = [
            Figure("accepted_from_elsewhere", elsewhere ? 1 : 0, .atMost(0)),
            Figure("accepted_for_another_infohash", another ? 1 : 0, .atMost(0)),
            Figure("accepted_as_given", scene.stores(0) ? 1 : 0, .atLeast(1)),
        ]
        return (figures, scene.network.digest.value)
    }

    /// 300 announcers of five infohashes each, all over the world; then 250 of one /24, of forty each.
    static func storeFlood(_ configuration: Configuration, seed: UInt64) -> ([Figure], UInt64) {
        var scene = ServerAttacks(configuration, seed: seed)
        let (honest, each) = (300, 5)
        for number in 0..<honest {
            let own = (0..<each).map { UInt64(number * each + $0) }
            scene.addAnnouncer(at: UInt32(100 + number / 250) << 24 | UInt32(number % 250) << 16 | 1, of: own, number)
        }
        scene.run(for: minute)
        let before = (0..<honest * each).count { scene.stores(UInt64($0)) }
        for number in 0..<250 {
            let own = (0..<40).map { UInt64(100_000 + number * 40 + $0) }
            scene.addAnnouncer(at: 200 << 24 | 9 << 8 | UInt32(number + 1), of: own, number)
        }
        scene.run(for: minute * 8)
        let after = (0..<honest * each).count { scene.stores(UInt64($0)) }
        let flood = (0..<250 * 40).count { scene.stores(UInt64(100_000 + $0)) }
        let figures = [
            Figure("honest_infohashes_before", before, .atLeast(1000)),
            Figure("honest_share_left", after, of: before, .atLeast(0.95)),
            Figure("infohashes_of_the_flood", flood),
        ]
        return (figures, scene.network.digest.value)
    }

    /// 20 peers of one infohash, each of a network of its own; then 2,500 of one /24, ten ports to an address.
    static func fakePeers(_ configuration: Configuration, seed: UInt64) -> ([Figure], UInt64) {
        var scene = ServerAttacks(configuration, seed: seed)
        let honest = (100..<120 as Range<UInt32>).map { first -> UInt32 in first << 24 | 0x1_0001 }
        for (turn, address) in honest.enumerated() { scene.addAnnouncer(at: address, of: [0], turn) }
        scene.run(for: minute)
        for number in 0..<250 {
            let ports = (2000..<2010 as Range<UInt16>).map { Talker.Plan.announcePort(number: 0, port: $0) }
            let plan = [Talker.Plan.getPeers(number: 0)] + ports
            let fake = Talker(
                [endpoint(200 << 24 | 9 << 8 | UInt32(number + 1))], to: scene.node, .listens, plan,
                every: .seconds(2), from: scene.network.now + .milliseconds(17 * number))
            _ = scene.add(fake)
        }
        scene.run(for: minute)
        let asker = scene.add(
            Talker([thief], to: scene.node, .listens, [.getPeers(number: 0)], from: scene.network.now))
        scene.run(for: .seconds(2))
        let answer = scene.talker(asker)?.peers ?? []
        let left = answer.count { peer in honest.contains { endpoint($0).host == peer.host } }
        let figures = [
            Figure("honest_share_of_answer", left, of: honest.count, .atLeast(0.95)),
            Figure("fakes_in_answer", answer.count - left),
        ]
        return (figures, scene.network.digest.value)
    }

    /// 200 queries a second for a minute under the address of a victim, for an infohash with many peers.
    static func amplification(_ configuration: Configuration, seed: UInt64) -> ([Figure], UInt64) {
        var scene = ServerAttacks(configuration, seed: seed)
        for number in 0..<60 { scene.addAnnouncer(at: 100 << 24 | UInt32(number) << 16 | 1, of: [0], number) }
        scene.run(for: minute)
        let victim = endpoint(210 << 24 | 1)
        let target = scene.add(Talker([victim], to: scene.node))
        let plan = Array(repeating: Talker.Plan.getPeers(number: 0), count: 12_000)
        let forger = Talker([victim], to: scene.node, .listens, plan, every: .milliseconds(5), from: scene.network.now)
        let source = scene.network.add(at: 220 << 24 | 1) { _, _ in .adversary(forger) }
        scene.run(for: minute + .seconds(1))
        let (bytesIn, bytesOut) = (scene.talker(source)?.bytesSent ?? 0, scene.talker(target)?.bytesReceived ?? 0)
        let figures = [
            Figure("bytes_sent_by_attacker", bytesIn), Figure("bytes_at_victim", bytesOut),
            Figure("bytes_out_per_byte_in", bytesOut, of: bytesIn, .atMost(4)),
        ]
        return (figures, scene.network.digest.value)
    }

    // MARK: -

    private static func endpoint(_ address: UInt32) -> Endpoint { .v4(EndpointV4(address: address, port: 6881)) }

    private mutating func add(_ talker: Talker) -> HostIndex {
        guard case .v4(let own) = talker.homes[0] else { preconditionFailure("the simulator knows IPv4 only") }
        return network.add(at: own.address) { _, _ in .adversary(talker) }
    }

    /// Asks for a token and announces, one infohash after the other.
    private mutating func addAnnouncer(at address: UInt32, of numbers: [UInt64], _ turn: Int) {
        let plan = numbers.flatMap { [Talker.Plan.getPeers(number: $0), .announce(number: $0, tokenOf: $0, home: 0)] }
        let start = network.now + .milliseconds(17 * turn)
        _ = add(
            Talker([Self.endpoint(address)], to: node, .listens, plan, every: .seconds(5), from: start))
    }

    private mutating func run(for duration: Duration) {
        network.run(until: network.now + duration)
        _ = network.takeEvents()
    }

    private func stores(_ number: UInt64) -> Bool {
        network.withNode(host) { $0.storesPeers(of: Talker.infoHash(number)) } ?? false
    }

    private func talker(_ host: HostIndex) -> Talker? {
        guard case .adversary(let adversary) = network.occupant(of: host) else { return nil }
        return adversary as? Talker
    }
}
