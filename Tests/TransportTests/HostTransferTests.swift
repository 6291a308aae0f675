import Client
import Glibc
import Metainfo
import Primitives
import Swarm
import Testing

@testable import Transport

@Suite(.serialized, .timeLimit(.minutes(10))) struct HostTransferTests {
    private func isCompleted(_ event: TorrentEvent) -> Bool {
        if case .completed = event { true } else { false }
    }

    private func isOpened(_ event: TorrentEvent) -> Bool {
        if case .storageOpened = event { true } else { false }
    }

    @Test func aGivenPeerYieldsMetadataAndContent() async throws {
        let payload = try Payload(byteCount: 3_000_001, pieceLength: 65_536, seed: 1)
        defer { payload.remove() }
        let seeder = TestHost(at: .v4(127, 22, 0, 1, port: 0), seed: 1)
        let fetcher = TestHost(at: .v4(127, 22, 0, 2, port: 0), seed: 2)
        let address = try await seeder.start()
        _ = try await fetcher.start()
        let folder = try payload.folder("fetched")
        seeder.add(.info(payload.info), directory: try payload.seededFolder())
        try await seeder.wait("seed is checked", until: isOpened)
        fetcher.add(.infoHash(payload.info.infoHash), directory: folder)
        fetcher.addPeer(address)
        try await fetcher.wait("download", until: isCompleted)

        let uploaded = try #require(await seeder.host.snapshot(of: TestHost.torrent)).uploadedBytes
        #expect(uploaded >= payload.bytes.count)
        await fetcher.host.stop()
        await seeder.host.stop()
        #expect(try payload.content(of: folder) == payload.bytes)
    }

    /// Blocks that cannot go through pipes are copied.
    @Test func withoutPipesTheContentIsTheSame() async throws {
        let payload = try Payload(byteCount: 1_000_001, pieceLength: 65_536, seed: 5)
        defer { payload.remove() }
        let seeder = TestHost(at: .v4(127, 22, 6, 1, port: 0), seed: 1) { $0.blockPipesMax = 0 }
        let fetcher = TestHost(at: .v4(127, 22, 6, 2, port: 0), seed: 2)
        let address = try await seeder.start()
        _ = try await fetcher.start()
        let folder = try payload.folder("fetched")
        seeder.add(.info(payload.info), directory: try payload.seededFolder())
        try await seeder.wait("seed is checked", until: isOpened)
        fetcher.add(.info(payload.info), directory: folder)
        fetcher.addPeer(address)
        try await fetcher.wait("download", until: isCompleted)
        await fetcher.host.stop()
        await seeder.host.stop()
        #expect(try payload.content(of: folder) == payload.bytes)
    }

    /// What is left of the file is served, and nothing wrong in place of the rest.
    @Test func aSeedCutShortServesWhatItHas() async throws {
        let payload = try Payload(byteCount: 1_048_576, pieceLength: 65_536, seed: 6)
        defer { payload.remove() }
        let seeder = TestHost(at: .v4(127, 22, 7, 1, port: 0), seed: 1)
        let fetcher = TestHost(at: .v4(127, 22, 7, 2, port: 0), seed: 2)
        let address = try await seeder.start()
        _ = try await fetcher.start()
        let (folder, seeded) = (try payload.folder("fetched"), try payload.seededFolder())
        seeder.add(.info(payload.info), directory: seeded)
        try await seeder.wait("seed is checked", until: isOpened)
        try #require(truncate("\(seeded)/payload.bin", 524_288) == 0)
        fetcher.add(.info(payload.info), directory: folder)
        fetcher.addPeer(address)
        try await fetcher.wait("storage", until: isOpened)
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(120)
        var snapshot: TorrentSnapshot?
        while snapshot?.verifiedPieces ?? 0 == 0, clock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
            snapshot = await fetcher.host.snapshot(of: TestHost.torrent)
        }
        await fetcher.host.stop()
        await seeder.host.stop()
        let verified = try #require(snapshot?.verifiedPieces)
        #expect((1...8).contains(verified))
        #expect(snapshot?.wastedBytes == 0)
        let fetched = try payload.content(of: folder)
        let right = (0..<16).count {
            let piece = $0 * 65_536..<($0 + 1) * 65_536
            return fetched[piece] == payload.bytes[piece]
        }
        #expect(right >= verified)
    }

    @Test func thePeerIsFoundInTheDHTAlone() async throws {
        let payload = try Payload(byteCount: 500_000, pieceLength: 32_768, seed: 2)
        defer { payload.remove() }
        let router = TestHost(at: .v4(127, 22, 1, 1, port: 0), seed: 1)
        let seeder = TestHost(at: .v4(127, 22, 1, 2, port: 0), seed: 2)
        let fetcher = TestHost(at: .v4(127, 22, 1, 3, port: 0), seed: 3)
        let entrance = try await router.start()
        _ = try await seeder.start()
        _ = try await fetcher.start()
        seeder.host.command(.bootstrap([entrance]))
        fetcher.host.command(.bootstrap([entrance]))
        let folder = try payload.folder("fetched")
        seeder.add(.info(payload.info), directory: try payload.seededFolder(), usesDHT: true)
        try await seeder.wait("announce") { if case .announced(let nodes) = $0 { nodes > 0 } else { false } }
        fetcher.add(.infoHash(payload.info.infoHash), directory: folder, usesDHT: true)
        try await fetcher.wait("download", until: isCompleted)
        await fetcher.host.stop()
        await seeder.host.stop()
        await router.host.stop()
        #expect(try payload.content(of: folder) == payload.bytes)
    }

    @Test func aPeerThatSendsByteByByteIsUnderstood() async throws {
        let payload = try Payload(byteCount: 20_000, pieceLength: 16_384, seed: 3)
        defer { payload.remove() }
        let seeder = TestHost(at: .v4(127, 22, 2, 1, port: 0), seed: 1)
        let fetcher = TestHost(at: .v4(127, 22, 2, 2, port: 0), seed: 2)
        let proxy = TrickleProxy()
        let target = try await seeder.start()
        _ = try await fetcher.start()
        let address = try #require(try await proxy.start(at: .v4(127, 22, 2, 3, port: 0), to: target))
        let folder = try payload.folder("fetched")
        seeder.add(.info(payload.info), directory: try payload.seededFolder())
        try await seeder.wait("seed is checked", until: isOpened)
        fetcher.add(.infoHash(payload.info.infoHash), directory: folder)
        fetcher.addPeer(address)
        try await fetcher.wait("download", until: isCompleted)
        await fetcher.host.stop()
        await seeder.host.stop()
        await proxy.stop()
        #expect(try payload.content(of: folder) == payload.bytes)
    }

    /// Less than a piece may be waiting for the disk: reading stops and goes on many times.
    @Test func aBacklogSmallerThanAPieceDoesNotStopADownload() async throws {
        let payload = try Payload(byteCount: 3_000_000, pieceLength: 262_144, seed: 4)
        defer { payload.remove() }
        let seeder = TestHost(at: .v4(127, 22, 5, 1, port: 0), seed: 1)
        let fetcher = TestHost(at: .v4(127, 22, 5, 2, port: 0), seed: 2) {
            $0.client.swarm.storageBacklogBytesMax = 65_536
        }
        let address = try await seeder.start()
        _ = try await fetcher.start()
        let folder = try payload.folder("fetched")
        seeder.add(.info(payload.info), directory: try payload.seededFolder())
        fetcher.add(.infoHash(payload.info.infoHash), directory: folder)
        fetcher.addPeer(address)
        try await fetcher.wait("download", until: isCompleted)
        await fetcher.host.stop()
        await seeder.host.stop()
        #expect(try payload.content(of: folder) == payload.bytes)
    }

    @Test func aRefusedConnectionIsReported() async throws {
        let nobody = Endpoint.v4(127, 22, 3, 9, port: 9)
        let fetcher = TestHost(at: .v4(127, 22, 3, 1, port: 0), seed: 1)
        _ = try await fetcher.start()
        fetcher.add(.infoHash(InfoHash.zero), directory: "/nonexistent")
        fetcher.addPeer(nobody)
        try await fetcher.wait("refusal") { $0 == .peerLost(nobody, .unreachable) }
        await fetcher.host.stop()
    }

    /// The address of the other family is bound nowhere, so nothing may leave towards it.
    @Test func aFamilyWithoutALocalAddressIsNotUsed() async throws {
        let other = Endpoint.v6(EndpointV6(high: 0, low: 1, port: 9))
        let fetcher = TestHost(at: .v4(127, 22, 4, 1, port: 0), seed: 1)
        _ = try await fetcher.start()
        fetcher.add(.infoHash(InfoHash.zero), directory: "/nonexistent")
        fetcher.addPeer(other)
        try await fetcher.wait("refusal") { $0 == .peerLost(other, .unreachable) }
        await fetcher.host.stop()
    }
}
