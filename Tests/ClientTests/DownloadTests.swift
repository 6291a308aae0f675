import Client
import Metainfo
import PeerProtocol
import Primitives
import Swarm
import Testing

private let torrent = TorrentHandle(rawValue: 7)

/// The journey of a magnet, with given peers and without the DHT.
@Suite struct DownloadTests {
    @Test(arguments: [1, 16_384, 32_768, 100_000, 400_001])
    func oneSeederGivesMetadataAndEveryPiece(byteCount: Int) throws {
        let payload = try Payload(byteCount: byteCount)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1)
        let leecher = world.addLeecher(payload, from: [seeder], seed: 2)

        #expect(world.run(for: .seconds(30)) { $0.events(leecher).contains(.completed) })
        #expect(world.machines[leecher].disks[torrent]?.content == payload.content)
        let snapshot = try #require(world.machines[leecher].client.snapshot(of: torrent))
        #expect(snapshot.stage == .complete)
        #expect(snapshot.verifiedBytes == byteCount)
        #expect(snapshot.wastedBytes == 0)
        #expect(world.machines[seeder].client.snapshot(of: torrent)?.uploadedBytes == byteCount)
    }

    @Test func eventsTellTheJourneyInOrder() throws {
        let payload = try Payload(byteCount: 50_000)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1)
        let leecher = world.addLeecher(payload, from: [seeder], seed: 2)
        _ = world.run(for: .seconds(10)) { $0.events(leecher).contains(.completed) }
        let seederEndpoint = world.machines[seeder].endpoint
        let expected: [TorrentEvent] = [
            .peersFound([seederEndpoint], .user), .peerConnected(seederEndpoint), .metadata(payload.info),
            .storageOpened(verifiedPieces: 0),
        ]
        #expect(Array(world.events(leecher).prefix(4)) == expected)
        #expect(world.events(leecher).suffix(2) == [.completed, .peerLost(seederEndpoint, .redundant)])
    }

    @Test func metadataAndFirstPieceTakeFewRoundTrips() throws {
        let payload = try Payload(byteCount: 32_768)
        var world = World(latency: .milliseconds(100))
        let seeder = world.addSeeder(payload, seed: 1)
        let leecher = world.addLeecher(payload, from: [seeder], seed: 2)
        let start = world.now
        #expect(world.run(for: .seconds(30)) { $0.events(leecher).contains(.metadata(payload.info)) })
        // Connecting, then handshakes, then request and data; the second handshake waits for nothing.
        #expect(world.now - start <= .milliseconds(100 + 200 + 200))
    }

    @Test func leechersShareWithEachOther() throws {
        let payload = try Payload(byteCount: 4_000_000)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1)
        let first = world.addLeecher(payload, from: [seeder], seed: 2)
        let second = world.addLeecher(payload, from: [seeder, first], seed: 3)
        #expect(
            world.run(for: .seconds(60)) {
                $0.events(first).contains(.completed) && $0.events(second).contains(.completed)
            })
        #expect(world.machines[second].disks[torrent]?.content == payload.content)
        #expect(try #require(world.machines[first].client.snapshot(of: torrent)).uploadedBytes > 0)
    }

    @Test func aSeederThatVanishesIsReplacedByOneFoundLater() throws {
        let payload = try Payload(byteCount: 2_000_000)
        var world = World()
        let first = world.addSeeder(payload, seed: 1)
        let second = world.addSeeder(payload, seed: 2)
        let leecher = world.addLeecher(payload, from: [first], seed: 3)
        let isHalf = { (world: World) in
            (world.machines[leecher].client.snapshot(of: torrent)?.verifiedPieces ?? 0) >= 30
        }
        #expect(world.run(for: .seconds(30), until: isHalf) == true)
        world.switchOff(first)
        _ = world.run(for: .seconds(5))
        #expect(!world.events(leecher).contains(.completed))
        world.command(leecher, .addPeers(torrent, [world.machines[second].endpoint], .user))
        #expect(world.run(for: .seconds(60)) { $0.events(leecher).contains(.completed) })
        #expect(world.machines[leecher].disks[torrent]?.content == payload.content)
    }

    @Test func anotherTakesOverFromWhoIsSilentLongBeforeItIsSnubbed() throws {
        let payload = try Payload(byteCount: 8_000_000)
        var world = World()
        let seeders = [world.addSeeder(payload, seed: 1), world.addSeeder(payload, seed: 2)]
        let leecher = world.addLeecher(payload, from: seeders, seed: 3) { $0.swarm.duplicateRequestsMax = 1 }
        let hasBegun = { (world: World) in
            (world.machines[leecher].client.snapshot(of: torrent)?.verifiedPieces ?? 0) >= 20
        }
        #expect(world.run(for: .seconds(30), until: hasBegun) == true)
        world.silence(seeders[0])
        #expect(world.run(for: .seconds(5)) { $0.events(leecher).contains(.completed) })
        #expect(world.machines[leecher].disks[torrent]?.content == payload.content)
    }

    @Test func whatIsOnDiskIsNotFetchedAgain() throws {
        let payload = try Payload(byteCount: 320_000)
        var disk = MemoryDisk(info: payload.info)
        for piece in 0..<5 {
            let start = piece * payload.info.pieceLength
            let bytes = Array(payload.content[start..<start + payload.info.length(ofPiece: piece)])
            #expect(disk.store(bytes, piece: piece, offset: 0) == true)
        }
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1)
        let leecher = world.addLeecher(payload, from: [seeder], seed: 2)
        world.insertDisk(leecher, torrent, disk)
        #expect(world.run(for: .seconds(30)) { $0.events(leecher).contains(.completed) })
        let downloaded = world.machines[leecher].client.snapshot(of: torrent)?.downloadedBytes
        #expect(downloaded == 320_000 - 5 * 32_768)
    }

    @Test func theLiarOfAFailedPieceIsBannedAndTheDownloadCompletes() throws {
        let payload = try Payload(byteCount: 600_000)
        var world = World()
        let liar = world.addSeeder(payload, seed: 1)
        let honest = world.addSeeder(payload, seed: 2)
        world.tamper = { machine, _, bytes in machine == liar ? bytes.map { $0 ^ 1 } : bytes }
        let leecher = world.addLeecher(payload, from: [liar, honest], seed: 3)
        #expect(world.run(for: .seconds(120)) { $0.events(leecher).contains(.completed) })
        #expect(world.machines[leecher].disks[torrent]?.content == payload.content)
        #expect(world.events(leecher).contains(.peerLost(world.machines[liar].endpoint, .badData)))
        #expect(!world.events(leecher).contains(.peerLost(world.machines[honest].endpoint, .badData)))
    }

    @Test func aDeadPeerIsReportedAndTriedAgain() throws {
        let payload = try Payload(byteCount: 1000)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1)
        world.switchOff(seeder)
        let leecher = world.addLeecher(payload, from: [seeder], seed: 2)
        _ = world.run(for: .seconds(120))
        let losses = world.events(leecher).filter { $0 == .peerLost(world.machines[seeder].endpoint, .unreachable) }
        #expect(losses.count == Swarm.Configuration().connectAttemptsMax)
        #expect(world.machines[leecher].client.snapshot(of: torrent)?.stage == .metadata)
    }

    @Test func callingOurselvesEndsAtOnce() throws {
        let payload = try Payload(byteCount: 1000)
        var world = World()
        let leecher = world.addLeecher(payload, from: [], seed: 2)
        let ourselves = world.machines[leecher].endpoint
        world.command(leecher, .addPeers(torrent, [ourselves], .user))
        _ = world.run(for: .seconds(60))
        let losses = world.events(leecher).filter { if case .peerLost = $0 { true } else { false } }
        #expect(losses.count == 1)
    }

    @Test func oneSeedReplaysOneRun() throws {
        let payload = try Payload(byteCount: 500_000)
        func history() -> [Client.Event] {
            var world = World()
            let seeders = [world.addSeeder(payload, seed: 1), world.addSeeder(payload, seed: 2)]
            let leecher = world.addLeecher(payload, from: seeders, seed: 3)
            _ = world.run(for: .seconds(30)) { $0.events(leecher).contains(.completed) }
            return world.machines.flatMap(\.events)
        }
        let first = history()
        #expect(first.count > 20)
        #expect(first == history())
    }
}
