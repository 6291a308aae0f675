import Client
import PeerProtocol
import Primitives
import Swarm
import Testing

private let torrent = TorrentHandle(rawValue: 7)

/// Whole clients whose connections open hidden, or refuse to.
@Suite struct EncryptionTests {
    /// Who asks, who is asked, and whether they come together.
    private static let pairs: [(EncryptionPolicy, EncryptionPolicy, Bool)] = [
        (.prefer, .prefer, true), (.prefer, .require, true), (.require, .prefer, true), (.require, .require, true),
        (.off, .off, true), (.off, .prefer, true), (.prefer, .off, true), (.off, .require, false),
        (.require, .off, false),
    ]

    @Test(arguments: pairs)
    func policiesThatAllowEachOtherMeet(pair: (EncryptionPolicy, EncryptionPolicy, Bool)) throws {
        let (asker, asked, meets) = pair
        let payload = try Payload(byteCount: 300_000)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1) { $0.swarm.encryption = asked }
        let leecher = world.addLeecher(payload, from: [seeder], seed: 2, configure: { $0.swarm.encryption = asker })
        #expect(world.run(for: .seconds(60)) { $0.events(leecher).contains(.completed) } == meets)
        if meets { #expect(world.machines[leecher].disks[torrent]?.content == payload.content) }
    }

    @Test func whatIsRequiredIsNeverSaidInPlaintext() throws {
        let payload = try Payload(byteCount: 300_000)
        var world = World()
        var plain = 0
        let name = Array("BitTorrent protocol".utf8)
        world.alter = { _, bytes in
            if bytes.count > name.count,
                bytes.indices.dropLast(name.count).contains(where: { bytes[$0...].starts(with: name) })
            {
                plain += 1
            }
            return bytes
        }
        let seeder = world.addSeeder(payload, seed: 1) { $0.swarm.encryption = .require }
        let leecher = world.addLeecher(payload, from: [seeder], seed: 2, configure: { $0.swarm.encryption = .require })
        #expect(world.run(for: .seconds(60)) { $0.events(leecher).contains(.completed) })
        #expect(plain == 0)
    }

    @Test func anEncryptedCallForAnotherTorrentEnds() throws {
        let (mine, other) = (try Payload(byteCount: 100_000), try Payload(byteCount: 100_000, seed: 2))
        var world = World()
        let seeder = world.addSeeder(other, seed: 1)
        let leecher = world.addLeecher(mine, from: [seeder], seed: 2, configure: { $0.swarm.encryption = .require })
        _ = world.run(for: .seconds(30))
        #expect(world.machines[leecher].client.snapshot(of: torrent)?.peersConnected == 0)
        #expect(!world.events(leecher).contains(.peerLost(world.machines[seeder].endpoint, .badData)))
    }
}
