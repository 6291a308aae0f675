import Client
import Foundation
import Logging
import Metainfo
import NIOCore
import NIOPosix
import Primitives
import Swarm
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10))) struct HostLifeTests {
    private static func openDescriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }

    /// What a thread has still to close on a busy machine is closed soon; what has leaked is never.
    private static func openDescriptors(settlingAt expected: Int) async throws -> Int {
        var attempts = 0
        while try openDescriptors() != expected, attempts < 3_000 {
            attempts += 1
            try await Task.sleep(for: .milliseconds(10))
        }
        return try openDescriptors()
    }

    /// In a process of its own, where nobody else opens anything.
    @Test func stopLeavesNoDescriptorBehind() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            // The first sleep and the first round open what the process keeps.
            try await Task.sleep(for: .milliseconds(1))
            try await HostLifeTests.fetchOnce()
            let before = try HostLifeTests.openDescriptors()
            for _ in 0..<2 { try await HostLifeTests.fetchOnce() }
            let after = try await HostLifeTests.openDescriptors(settlingAt: before)
            guard after != before else { return }
            FileHandle.standardError.write(Data("\(before) descriptors became \(after)".utf8))
            exit(EXIT_FAILURE)
        }
        #expect(String(decoding: result?.standardErrorContent ?? [], as: UTF8.self) == "")
    }

    /// Two hosts, a connection between them, an attempt that is refused, and the end in the middle of it.
    private static func fetchOnce() async throws {
        let payload = try Payload(byteCount: 200_000, pieceLength: 32_768, seed: 1)
        defer { payload.remove() }
        let seeder = TestHost(at: .v4(127, 23, 0, 1, port: 0), seed: 1)
        let fetcher = TestHost(at: .v4(127, 23, 0, 2, port: 0), seed: 2)
        let address = try await seeder.start()
        _ = try await fetcher.start()
        seeder.add(.info(payload.info), directory: try payload.seededFolder())
        fetcher.add(.infoHash(payload.info.infoHash), directory: try payload.folder("fetched"))
        fetcher.addPeer(address)
        fetcher.addPeer(.v4(127, 23, 0, 3, port: 9))
        try await fetcher.wait("a connection") { if case .peerConnected(_) = $0 { true } else { false } }
        await fetcher.host.stop()
        await seeder.host.stop()
        await seeder.host.stop()
    }

    @Test func udpAndTCPShareOnePortThatIsReadBack() async throws {
        let node = TestHost(at: .v4(127, 23, 1, 1, port: 0), seed: 1)
        let address = try await node.start()
        #expect(address.port != 0)
        var other = HostConfiguration()
        other.binds = [address]
        #expect(throws: HostError.cannotBind(address, errno: EADDRINUSE)) { try BoundHome.openAll(other) }
        await node.host.stop()
        // Another program may be given the port meanwhile, and give it back.
        var homes = try homesUnlessTaken(other)
        var attempts = 0
        while homes.isEmpty, attempts < 3_000 {
            attempts += 1
            try await Task.sleep(for: .milliseconds(10))
            homes = try homesUnlessTaken(other)
        }
        #expect(homes.map(\.local) == [address])
        for home in homes { home.close() }
    }

    /// None when the port is taken.
    private func homesUnlessTaken(_ configuration: HostConfiguration) throws -> [BoundHome] {
        do {
            return try BoundHome.openAll(configuration)
        } catch {
            guard case .cannotBind(_, errno: EADDRINUSE) = error else { throw error }
            return []
        }
    }

    @Test func allAddressesShareTheChosenPort() throws {
        var configuration = HostConfiguration()
        configuration.binds = [.v4(127, 23, 2, 1, port: 0), .v6(EndpointV6(high: 0, low: 1, port: 0))]
        let homes = try BoundHome.openAll(configuration)
        #expect(homes.count == 2)
        #expect(Set(homes.map(\.local.port)).count == 1)
        for home in homes { home.close() }
    }

    @Test func anAddressThatDoesNotExistHereIsSkippedOnlyWhenAskedFor() throws {
        let foreign = Endpoint.v4(192, 0, 2, 1, port: 0)
        var configuration = HostConfiguration()
        configuration.binds = [foreign, .v4(127, 23, 3, 1, port: 0)]
        #expect(throws: HostError.cannotBind(foreign, errno: EADDRNOTAVAIL)) {
            try BoundHome.openAll(configuration)
        }
        configuration.skipsUnavailableBinds = true
        let homes = try BoundHome.openAll(configuration)
        #expect(homes.map(\.local.family) == [.v4])
        for home in homes { home.close() }
        configuration.binds = [foreign]
        #expect(throws: HostError.noUsableAddress) { try BoundHome.openAll(configuration) }
    }

    @Test func aHostStartsOnce() async throws {
        let node = TestHost(at: .v4(127, 23, 4, 1, port: 0), seed: 1)
        _ = try await node.start()
        await #expect(throws: HostError.notStartable) { try await node.host.start() }
        await node.host.stop()
    }

    @Test func aStoppedHostAnswersNothing() async throws {
        let node = TestHost(at: .v4(127, 23, 6, 1, port: 0), seed: 1)
        _ = try await node.start()
        await node.host.stop()
        #expect(await node.host.nodeStatistics() == nil)
        node.addPeer(.v4(127, 0, 0, 1, port: 9))
        await #expect(throws: HostError.notStartable) { try await node.host.start() }
        await node.host.stop()
    }

    @Test func aSocketThatIsReadyAfterTheEndIsClosed() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let socket = try await DatagramBootstrap(group: eventLoop).bind(host: "127.23.7.1", port: 0).get()
        let isOpen = eventLoop.submit {
            let loop = HostLoop(
                eventLoop: eventLoop, configuration: HostConfiguration(), logger: Logger(label: "test"), homes: [],
                report: { _ in })
            _ = loop.end()
            loop.opened(socket)
            return socket.isActive
        }
        #expect(try await isOpen.get() == false)
        try await group.shutdownGracefully()
    }

    @Test func hostsCanShareALoop() async throws {
        let first = TestHost(at: .v4(127, 23, 5, 1, port: 0), seed: 1)
        var configuration = HostConfiguration()
        configuration.binds = [.v4(127, 23, 5, 2, port: 0)]
        let second = Host(
            configuration: configuration, logger: Logger(label: "test"), sharingLoopOf: first.host, report: { _ in })
        _ = try await first.start()
        _ = try await second.start()
        #expect(await second.nodeStatistics() != nil)
        await second.stop()
        await first.host.stop()
    }
}
