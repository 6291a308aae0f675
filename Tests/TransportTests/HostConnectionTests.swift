import CShims
import Client
import NIOCore
import NIOPosix
import Primitives
import Swarm
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10))) struct HostConnectionTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    @Test func aPeerThatTalksNonsenseIsDisconnected() async throws {
        let node = TestHost(at: .v4(127, 24, 0, 1, port: 0), seed: 1)
        let address = try await node.start()
        let peer = try await ClientBootstrap(group: group).connect(to: address.socketAddress).get()
        // On a very busy machine the silence before this may have ended the connection already.
        // Long enough to be no encrypted opening either.
        let nonsense = String(repeating: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 40)
        try? await peer.writeAndFlush(ByteBuffer(string: nonsense))
        try await peer.closeFuture.get()
        await node.host.stop()
    }

    /// The timer must be set for a connection that has sent nothing.
    @Test func aPeerThatSaysNothingIsDisconnected() async throws {
        let node = TestHost(at: .v4(127, 24, 3, 1, port: 0), seed: 1) {
            $0.client.lobbyTimeout = .milliseconds(100)
        }
        let address = try await node.start()
        let peer = try await ClientBootstrap(group: group).connect(to: address.socketAddress).get()
        try await peer.closeFuture.get()
        await node.host.stop()
    }

    @Test func stopEndsConnectionsThatAreOpen() async throws {
        let node = TestHost(at: .v4(127, 24, 1, 1, port: 0), seed: 1)
        let address = try await node.start()
        let peer = try await ClientBootstrap(group: group).connect(to: address.socketAddress).get()
        await node.host.stop()
        try await peer.closeFuture.get()
    }

    /// A listener whose queue is full lets attempts wait for long, as a host behind a firewall does.
    @Test func stopDoesNotWaitForAttempts() async throws {
        let local = Endpoint.v4(127, 24, 2, 1, port: 0)
        var isDeviceRefused = false
        let listener = mainline_tcp_listen(local.forSystemCalls, nil, 0, &isDeviceRefused)
        defer { mainline_close(listener) }
        var busy = local
        busy.port = try #require(UInt16(exactly: mainline_local_port(listener)))
        let first = try await ClientBootstrap(group: group).connect(to: busy.socketAddress).get()
        let second = ClientBootstrap(group: group).connectTimeout(.seconds(2)).connect(to: try busy.socketAddress)

        let node = TestHost(at: .v4(127, 24, 2, 2, port: 0), seed: 1)
        _ = try await node.start()
        node.add(.infoHash(InfoHash.zero), directory: "/nonexistent")
        node.addPeer(busy)
        try await node.wait("the attempt") { if case .peersFound(_, _) = $0 { true } else { false } }
        let clock = ContinuousClock()
        let start = clock.now
        await node.host.stop()
        // The system gives the attempt up after 30 s.
        #expect(clock.now - start < .seconds(25))
        #expect(!node.torrentEvents.contains { if case .peerConnected(_) = $0 { true } else { false } })
        try await first.close()
        try? await second.get().close()
    }
}
