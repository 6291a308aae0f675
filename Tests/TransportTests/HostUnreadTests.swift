import Client
import Metainfo
import NIOCore
import NIOPosix
import PeerProtocol
import Primitives
import Swarm
import Testing

@testable import Transport

/// Peers that ask and do not read the answers.
@Suite(.serialized) struct HostUnreadTests {
    private let group = MultiThreadedEventLoopGroup.singleton
    private static let rejectBytes = 17

    /// Counts what it is sent, from when it is told to read.
    private final class Reader: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let count: EventLoopPromise<Int>
        private let wanted: Int
        private let received: NIOLoopBoundBox<Int>

        init(wanted: Int, on loop: any EventLoop) {
            self.wanted = wanted
            count = loop.makePromise()
            received = .makeBoxSendingValue(0, eventLoop: loop)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received.value += unwrapInboundIn(data).readableBytes
            if received.value >= wanted { count.succeed(received.value) }
        }

        func channelInactive(context: ChannelHandlerContext) { count.succeed(received.value) }
    }

    private func requests(_ count: Int, of payload: Payload) -> ByteBuffer {
        var generator = SeededGenerator(number: 5)
        var bytes: [UInt8] = []
        Handshake(
            capabilities: [.fast], infoHash: payload.info.infoHash,
            peerID: PeerID(prefix: "-TT0000-", using: &generator)
        ).encode(into: &bytes)
        var request: [UInt8] = []
        OutgoingMessage.request(BlockRequest(piece: 0, offset: 0, length: 1)).encode(into: &request)
        var buffer = ByteBuffer(bytes: bytes)
        for _ in 0..<count { buffer.writeBytes(request) }
        return buffer
    }

    @Test func aPeerThatDoesNotReadIsNotReadAndGoesOnWhenItReads() async throws {
        let payload = try Payload(byteCount: 20_000, pieceLength: 16_384, seed: 7)
        defer { payload.remove() }
        let seeder = TestHost(at: .v4(127, 22, 30, 1, port: 0), seed: 1) {
            $0.client.swarm.uselessMessagesMax = .max
            $0.client.swarm.allowedFastCount = 0
        }
        let address = try await seeder.start()
        seeder.add(.info(payload.info), directory: try payload.seededFolder())
        try await seeder.wait("seed is checked") { if case .storageOpened = $0 { true } else { false } }
        let count = 1_500_000
        let loop = group.next()
        let reader = Reader(wanted: count * Self.rejectBytes, on: loop)
        let peer = try await ClientBootstrap(group: loop)
            .channelOption(.autoRead, value: false)
            .channelInitializer { $0.pipeline.addHandler(reader) }
            .connect(to: address.socketAddress).get()
        async let written: Void = peer.writeAndFlush(requests(count, of: payload))
        // Until the host has stopped reading: what waits in it is then the same twice in a row, and not nothing.
        var waiting = (before: 0, now: 0)
        for _ in 0..<400 where waiting.now == 0 || waiting.now != waiting.before {
            try await Task.sleep(for: .milliseconds(50))
            waiting = (waiting.now, await seeder.host.unsentMessageBytes() ?? 0)
        }
        let limit = PeerConnection.unsentMessageBytesMax + 2 * PeerTable.readBytesMax
        #expect(waiting.now > 0 && waiting.now <= limit, "\(waiting.now)")
        try await peer.setOption(.autoRead, value: true).get()
        try await written
        #expect(try await reader.count.futureResult.get() >= count * Self.rejectBytes)
        try? await peer.close()
        await seeder.host.stop()
    }

    /// Peers that begin long messages and do not end them hold no more than all may hold together.
    @Test func unfinishedMessagesAreBoundedTogether() async throws {
        let payload = try Payload(byteCount: 20_000, pieceLength: 16_384, seed: 7)
        defer { payload.remove() }
        let seeder = TestHost(at: .v4(127, 22, 30, 2, port: 0), seed: 1)
        let address = try await seeder.start()
        seeder.add(.info(payload.info), directory: try payload.seededFolder())
        try await seeder.wait("seed is checked") { if case .storageOpened = $0 { true } else { false } }
        var buffer = requests(0, of: payload)
        // The head of an extended message of the largest size, and all of it but a byte.
        buffer.writeInteger(UInt32(128 * 1024 + 1))
        buffer.writeInteger(UInt8(20))
        buffer.writeRepeatingByte(0, count: 128 * 1024 - 1)
        var peers: [any Channel] = []
        for _ in 0..<140 {
            let peer = try await ClientBootstrap(group: group).connect(to: address.socketAddress).get()
            try? await peer.writeAndFlush(buffer)
            peers.append(peer)
        }
        var held = (before: -1, now: 0)
        for _ in 0..<400 where held.now == 0 || held.now != held.before {
            try await Task.sleep(for: .milliseconds(50))
            held = (held.now, await seeder.host.heldMessageBytes() ?? 0)
        }
        #expect(held.now > 8 << 20 && held.now <= PeerTable.heldBytesMax, "\(held.now)")
        for peer in peers { try? await peer.close() }
        for _ in 0..<400 where held.now != 0 {
            try await Task.sleep(for: .milliseconds(50))
            held.now = await seeder.host.heldMessageBytes() ?? 0
        }
        #expect(held.now == 0)
        await seeder.host.stop()
    }
}
