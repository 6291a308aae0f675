import Client
import Metainfo
import PeerProtocol
import Primitives
import Swarm
import Testing

private let torrent = TorrentHandle(rawValue: 7)

/// Several peers of one torrent: whom they tell of whom, whom they serve, and whom they blame.
@Suite struct SharingTests {
    @Test func peersTellEachOtherOfPeers() throws {
        let payload = try Payload(byteCount: 3_000_000)
        var world = World(latency: .milliseconds(200))
        let seeder = world.addSeeder(payload, seed: 1) { $0.swarm.exchangeFirstDelay = .zero }
        let first = world.addLeecher(payload, from: [seeder], seed: 2)
        let second = world.addLeecher(payload, from: [seeder], seed: 3)
        _ = world.run(for: .seconds(20))
        let found = world.events(first) + world.events(second)
        let named = found.compactMap { event -> [Endpoint]? in
            if case .peersFound(let endpoints, .exchange) = event { endpoints } else { nil }
        }
        let endpoints = [first, second].map { world.machines[$0].endpoint }
        #expect(named.contains { !Set($0).isDisjoint(with: endpoints) })
        #expect(
            world.events(first).contains(.peerConnected(endpoints[1]))
                || world.events(second).contains(.peerConnected(endpoints[0])))
    }

    @Test func withoutPeerExchangeNobodyIsNamed() throws {
        let payload = try Payload(byteCount: 2_000_000)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1)
        let leechers = (2...3).map { seed in
            world.addLeecher(payload, from: [seeder], seed: UInt64(seed), choose: { $0.usesExchange = false })
        }
        _ = world.run(for: .seconds(130))
        for leecher in leechers {
            let isNamed = world.events(leecher).contains { event in
                if case .peersFound(_, .exchange) = event { true } else { false }
            }
            #expect(!isNamed)
        }
    }

    @Test func theOneLiarAmongFiveIsFoundByItsBlocks() throws {
        let payload = try Payload(byteCount: 2_000_000, pieceLength: 128 << 10)
        var world = World()
        let seeders = (0..<5).map { world.addSeeder(payload, seed: UInt64($0 + 1)) }
        let liar = seeders[2]
        // Every third block of it is wrong: it hides among the others.
        world.tamper = { machine, block, bytes in
            machine == liar && (block.offset / BlockRequest.usualLength) % 3 == 0 ? bytes.map { $0 ^ 1 } : bytes
        }
        let leecher = world.addLeecher(payload, from: seeders, seed: 9)
        #expect(world.run(for: .seconds(300)) { $0.events(leecher).contains(.completed) })
        #expect(world.machines[leecher].disks[torrent]?.content == payload.content)
        let banned = seeders.filter { world.events(leecher).contains(.peerLost(world.machines[$0].endpoint, .badData)) }
        #expect(banned == [liar])
    }

    @Test func aSeedWithFewPlacesServesEverybodyInTheEnd() throws {
        let payload = try Payload(byteCount: 400_000)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1) { configuration in
            configuration.swarm.uploadSlots = 2
            configuration.swarm.uploadSlotsMax = 2
            configuration.swarm.seedTurnBytes = 100_000
            configuration.swarm.seedTurnTime = .seconds(10)
        }
        let leechers = (0..<6).map {
            world.addLeecher(payload, from: [seeder], seed: UInt64($0 + 2), choose: { $0.usesExchange = false })
        }
        #expect(
            world.run(for: .seconds(400)) { world in
                leechers.allSatisfy { world.events($0).contains(.completed) }
            })
    }

    @Test func aFewChokedNewcomersGetAFewPieces() throws {
        let payload = try Payload(byteCount: 2_000_000)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1) { configuration in
            configuration.swarm.uploadSlots = 1
            configuration.swarm.uploadSlotsMax = 1
            configuration.swarm.uploadSlotsIdleMax = 0
            configuration.swarm.uploadIdleTime = .seconds(3600)
            configuration.swarm.chokeInterval = .seconds(3600)
            configuration.uploadLimit = 50_000
        }
        // Two that take for ever have the places.
        for seed in [2, 3] as [UInt64] {
            _ = world.addLeecher(
                payload, from: [seeder], seed: seed, configure: { $0.downloadLimit = 2_000 },
                choose: { $0.usesExchange = false })
        }
        _ = world.run(for: .seconds(5))
        let choked = (0..<4).map {
            world.addLeecher(payload, from: [seeder], seed: UInt64($0 + 4), choose: { $0.usesExchange = false })
        }
        _ = world.run(for: .seconds(20))
        let pieces = choked.map { world.machines[$0].client.snapshot(of: torrent)?.verifiedPieces ?? 0 }
        let configuration = Swarm.Configuration()
        #expect(pieces.count { $0 == configuration.allowedFastCount } == configuration.allowedFastPeersMax)
        #expect(pieces.count { $0 == 0 } == choked.count - configuration.allowedFastPeersMax)
    }

    @Test func aPeerWithoutTheFastExtensionIsServedAsBefore() throws {
        let payload = try Payload(byteCount: 500_000)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1)
        world.alter = { _, bytes in
            // The bit of BEP 6 in the reserved bytes of a handshake.
            guard bytes.count >= 68, bytes[0] == 19, bytes[1] == UInt8(ascii: "B") else { return bytes }
            var bytes = bytes
            bytes[27] &= ~4
            return bytes
        }
        let leecher = world.addLeecher(payload, from: [seeder], seed: 2)
        #expect(world.run(for: .seconds(60)) { $0.events(leecher).contains(.completed) })
    }
}
