import Client
import Metainfo
import Primitives
import Swarm
import Testing

private let torrent = TorrentHandle(rawValue: 7)

/// Limits of upload and download in bytes a second, on whole clients.
@Suite struct ThrottleTests {
    @Test(arguments: [20_000, 100_000, 1_000_000])
    func aDownloadTakesAsLongAsItsLimitWants(bytesPerSecond: Int) throws {
        // What may come at once: a burst of two blocks, and the last block that was asked for early.
        let payload = try Payload(byteCount: bytesPerSecond * 4 + (48 << 10))
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1)
        let leecher = world.addLeecher(
            payload, from: [seeder], seed: 2, configure: { $0.downloadLimit = bytesPerSecond })
        let start = world.now
        #expect(world.run(for: .seconds(30)) { $0.events(leecher).contains(.completed) })
        let seconds = (world.now - start).inSeconds
        #expect((3.2...5).contains(seconds), "\(seconds)")
    }

    @Test func anUploadTakesAsLongAsItsLimitWants() throws {
        let payload = try Payload(byteCount: 400_000)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1) { $0.uploadLimit = 100_000 }
        let leecher = world.addLeecher(payload, from: [seeder], seed: 2)
        let start = world.now
        #expect(world.run(for: .seconds(30)) { $0.events(leecher).contains(.completed) })
        let seconds = (world.now - start).inSeconds
        #expect((3...5).contains(seconds), "\(seconds)")
    }

    @Test func aLimitIsSharedFairlyAmongPeers() throws {
        let payload = try Payload(byteCount: 1_000_000)
        var world = World()
        let seeder = world.addSeeder(payload, seed: 1) { $0.uploadLimit = 200_000 }
        let leechers = (0..<4).map {
            world.addLeecher(payload, from: [seeder], seed: UInt64($0 + 2), choose: { $0.usesExchange = false })
        }
        _ = world.run(for: .seconds(8))
        let done = leechers.map { world.machines[$0].client.snapshot(of: torrent)?.downloadedBytes ?? 0 }
        #expect(done.reduce(0, +) <= 200_000 * 9)
        #expect(done.allSatisfy { $0 > 200_000 }, "\(done)")
    }
}
