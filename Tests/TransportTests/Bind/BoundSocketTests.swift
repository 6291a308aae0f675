import Client
import Glibc
import Metainfo
import Primitives
import Swarm
import Testing

@testable import Transport

/// Sockets of `--bind`: on the interface that lists their address, or not at all.
@Suite struct BoundSocketTests {
    private let address = Endpoint.v4(127, 0, 0, 1, port: 0)

    private func configuration(_ bind: Endpoint, _ target: BindTarget) -> HostConfiguration {
        var configuration = HostConfiguration()
        configuration.binds = [bind]
        configuration.boundTo = [bind.host: target]
        return configuration
    }

    /// `SO_BINDTODEVICE` as the system knows it.
    private func device(of descriptor: CInt) -> String {
        var name = [UInt8](repeating: 0, count: 16)
        var size = socklen_t(name.count)
        guard getsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, &name, &size) == 0 else { return "?" }
        return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    }

    @Test func anAddressThatAnInterfaceListsIsBoundToIt() throws {
        for target in [BindTarget.address(address), .interface("lo")] {
            let home = try #require(try BoundHome.openAll(configuration(address, target)).first)
            defer { home.close() }
            #expect(home.device?.name == "lo" && home.target == target)
            #expect(device(of: home.udp) == "lo")
            #expect(device(of: try #require(home.tcp)) == "lo")
            #expect(home.guards.count == 8)
            #expect(home.guards.allSatisfy { device(of: $0.descriptor) == "lo" })
        }
    }

    @Test func anAddressThatNoneListsIsBoundAsItIs() throws {
        let unlisted = Endpoint.v4(127, 23, 9, 1, port: 0)
        let home = try #require(try BoundHome.openAll(configuration(unlisted, .address(unlisted))).first)
        defer { home.close() }
        #expect(home.device == nil && home.guards.isEmpty && device(of: home.udp) == "")
    }

    @Test func withoutTheInterfaceThereAreNoSockets() {
        #expect(throws: HostError.cannotHold("nosuch0", errno: ENODEV)) {
            try BoundHome.openAll(configuration(address, .interface("nosuch0")))
        }
        var unavailable = configuration(address, .interface("nosuch0"))
        unavailable.skipsUnavailableBinds = true
        #expect(throws: HostError.self) { try BoundHome.openAll(unavailable) }
    }

    @Test func aPeerIsCalledFromTheSamePortUntilThatIsInUse() throws {
        let home = try #require(try BoundHome.openAll(configuration(address, .interface("lo"))).first)
        defer { home.close() }
        let peer = Endpoint.v4(127, 0, 0, 9, port: 9)
        let ports = (0..<9).map { home.callingPort(for: peer, attempt: $0) }
        #expect(ports[0] == home.callingPort(for: peer, attempt: 0))
        #expect(Set(ports.prefix(8)).count == 8 && ports[8] == nil)
    }

    @Test func theSocketsOfALostInterfaceHoldItsPortsAndAnswerNothing() throws {
        let home = try #require(try BoundHome.openAll(configuration(address, .interface("lo"))).first)
        home.close()
        let mutes = home.openMutes()
        defer { for descriptor in mutes { close(descriptor) } }
        #expect(mutes.count == 10)
        #expect(throws: HostError.cannotBind(home.local, errno: EADDRINUSE)) {
            try BoundHome.open(home.local, on: nil, for: nil, HostConfiguration())
        }
    }

    @Test func boundHostsFetchFromEachOther() async throws {
        let payload = try Payload(byteCount: 300_000, pieceLength: 32_768, seed: 9)
        defer { payload.remove() }
        let bound: (inout HostConfiguration) -> Void = {
            $0.boundTo = [Endpoint.v4(127, 0, 0, 1, port: 0): .interface("lo")]
        }
        let (seeder, fetcher) = (TestHost(at: address, seed: 1, bound), TestHost(at: address, seed: 2, bound))
        let place = try await seeder.start()
        _ = try await fetcher.start()
        seeder.add(.info(payload.info), directory: try payload.seededFolder())
        fetcher.add(.infoHash(payload.info.infoHash), directory: try payload.folder("fetched"))
        fetcher.addPeer(place)
        try await fetcher.wait("the end") { $0 == .completed }
        #expect(await fetcher.host.unsentDatagrams() == 0)
        await fetcher.host.stop()
        await seeder.host.stop()
    }
}
