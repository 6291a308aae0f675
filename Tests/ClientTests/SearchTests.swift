import Client
import Kademlia
import Metainfo
import Primitives
import Swarm
import Testing

private let torrent = TorrentHandle(rawValue: 1)

/// The journey of a magnet through a DHT of whole clients, with no other source of peers.
@Suite struct SearchTests {
    @Test func aMagnetResolvesThroughTheDHTAlone() throws {
        let payload = try Payload(byteCount: 200_000)
        var world = World()
        let router = world.addNetwork(nodes: 12)
        let seeder = world.join(router, seed: 100)
        world.insertDisk(seeder, torrent, payload.disk)
        world.command(seeder, .add(torrent, .info(payload.info), options))
        #expect(world.run(for: .seconds(60)) { $0.events(seeder).contains { $0.isAnnounced } } == true)

        let leecher = world.join(router, seed: 101)
        world.command(leecher, .add(torrent, .infoHash(payload.info.infoHash), options))
        let start = world.now
        #expect(world.run(for: .seconds(60)) { $0.events(leecher).contains(.completed) } == true)
        #expect(world.now - start < .seconds(5))
        #expect(world.machines[leecher].disks[torrent]?.content == payload.content)
    }

    @Test func theFirstPeerIsFoundBeforeTheBootstrapEnds() throws {
        let payload = try Payload(byteCount: 1000)
        var world = World(latency: .milliseconds(50))
        let router = world.addNetwork(nodes: 30)
        let seeder = world.join(router, seed: 100)
        world.insertDisk(seeder, torrent, payload.disk)
        world.command(seeder, .add(torrent, .info(payload.info), options))
        #expect(world.run(for: .seconds(60)) { $0.events(seeder).contains { $0.isAnnounced } } == true)

        // From a cold start: one round trip to the router, a few more towards the infohash.
        let leecher = world.join(router, seed: 101)
        world.command(leecher, .add(torrent, .infoHash(payload.info.infoHash), options))
        let start = world.now
        let found = world.run(for: .seconds(60)) {
            $0.events(leecher).contains { if case .peersFound(_, .dht) = $0 { true } else { false } }
        }
        #expect(found)
        #expect(world.now - start <= .milliseconds(500))
    }

    @Test func aSeederThatComesLaterIsFoundWithoutAskingAgainByHand() throws {
        let payload = try Payload(byteCount: 1000)
        var world = World()
        let router = world.addNetwork(nodes: 12)
        let leecher = world.join(router, seed: 101)
        world.command(leecher, .add(torrent, .infoHash(payload.info.infoHash), options))
        _ = world.run(for: .seconds(40))
        let lookups = world.events(leecher).filter { $0 == .lookupStarted }.count
        #expect((3...12).contains(lookups))

        let seeder = world.join(router, seed: 100)
        world.insertDisk(seeder, torrent, payload.disk)
        world.command(seeder, .add(torrent, .info(payload.info), options))
        #expect(world.run(for: .seconds(120)) { $0.events(leecher).contains(.completed) } == true)
    }

    @Test func whenTheLastPeerGoesOthersAreLookedForAtOnce() throws {
        let payload = try Payload(byteCount: 3_000_000)
        var world = World()
        let router = world.addNetwork(nodes: 12)
        let seeders = [world.join(router, seed: 100), world.join(router, seed: 101)]
        func start(_ seeder: Int) {
            world.insertDisk(seeder, torrent, payload.disk)
            world.command(seeder, .add(torrent, .info(payload.info), options))
        }
        start(seeders[0])
        #expect(world.run(for: .seconds(60)) { $0.events(seeders[0]).contains { $0.isAnnounced } } == true)
        let leecher = world.join(router, seed: 102)
        world.command(leecher, .add(torrent, .infoHash(payload.info.infoHash), options))
        let begun = world.run(for: .seconds(60)) {
            ($0.machines[leecher].client.snapshot(of: torrent)?.verifiedPieces ?? 0) > 10
        }
        #expect(begun)
        world.switchOff(seeders[0])
        start(seeders[1])
        #expect(world.run(for: .seconds(60)) { $0.events(leecher).contains(.completed) } == true)
    }

    @Test func whileNobodyIsFoundLookupsAreHalfAMinuteApartAtMost() throws {
        let payload = try Payload(byteCount: 1000)
        var world = World()
        let leecher = world.join(world.addNetwork(nodes: 12), seed: 101)
        world.command(leecher, .add(torrent, .infoHash(payload.info.infoHash), options))
        let pauses = pauses(between: 10, lookupsOf: leecher, in: &world)
        #expect(pauses.prefix(5).elementsEqual([1, 2, 4, 8, 16]))
        #expect(pauses.allSatisfy { $0 <= 30 })
    }

    @Test(arguments: [(2, [60, 120, 240, 480, 900, 900]), (12, [900, 900])])
    func aSeedThatFewNodesStoreAnnouncesAgainSooner(nodes: Int, expected: [Int64]) throws {
        let payload = try Payload(byteCount: 1000)
        var world = World()
        let router = world.addNetwork(nodes: nodes)
        let seeder = world.join(router, seed: 100)
        _ = world.run(for: .seconds(60))
        world.insertDisk(seeder, torrent, payload.disk)
        world.command(seeder, .add(torrent, .info(payload.info), options))
        #expect(pauses(between: expected.count + 1, lookupsOf: seeder, in: &world) == expected)
    }

    /// In whole seconds.
    private func pauses(between count: Int, lookupsOf machine: Int, in world: inout World) -> [Int64] {
        let starts = (1...count).map { number -> Instant in
            _ = world.run(for: .seconds(3600)) { world in
                world.events(machine).count { $0 == .lookupStarted } >= number
            }
            return world.now
        }
        return zip(starts, starts.dropFirst()).map { ($1 - $0).components.seconds }
    }

    @Test func withoutTheDHTNobodyIsAsked() throws {
        let payload = try Payload(byteCount: 1000)
        var world = World()
        let router = world.addNetwork(nodes: 3)
        let leecher = world.join(router, seed: 101)
        var options = options
        options.usesDHT = false
        world.command(leecher, .add(torrent, .infoHash(payload.info.infoHash), options))
        _ = world.run(for: .seconds(30))
        #expect(!world.events(leecher).contains(.lookupStarted))
    }

    private var options: Client.TorrentOptions {
        var options = Client.TorrentOptions()
        options.listenPort = 6881
        return options
    }
}

extension World {
    /// A DHT of so many clients without torrents.
    ///
    /// Returns the endpoint of the first.
    fileprivate mutating func addNetwork(nodes: Int) -> Endpoint {
        let router = add(seed: 1000)
        for seed in 1..<nodes { _ = join(machines[router].endpoint, seed: 1000 + UInt64(seed)) }
        _ = run(for: .seconds(30))
        return machines[router].endpoint
    }

    fileprivate mutating func join(_ router: Endpoint, seed: UInt64) -> Int {
        let machine = add(seed: seed)
        command(machine, .bootstrap([router]))
        return machine
    }
}

extension TorrentEvent {
    fileprivate var isAnnounced: Bool {
        if case .announced(let nodes) = self { return nodes > 0 }
        return false
    }
}
