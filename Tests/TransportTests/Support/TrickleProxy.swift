import NIOCore
import NIOPosix
import Primitives

@testable import Transport

/// Stands between two peers and passes every byte on in a write of its own.
final class TrickleProxy: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// Listens at `address` for connections to `target`; returns where.
    func start(at address: Endpoint, to target: Endpoint) async throws -> Endpoint? {
        let targetAddress = try target.socketAddress
        let server = try await ServerBootstrap(group: group)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { near in
                ClientBootstrap(group: near.eventLoop)
                    .channelOption(.socketOption(.tcp_nodelay), value: 1)
                    .connect(to: targetAddress)
                    .flatMapThrowing { far in
                        try near.pipeline.syncOperations.addHandler(Forwarder(to: far))
                        try far.pipeline.syncOperations.addHandler(Forwarder(to: near))
                    }
            }
            .bind(to: address.socketAddress).get()
        return server.localAddress.flatMap { Endpoint($0) }
    }

    func stop() async {
        try? await group.shutdownGracefully()
    }

    private final class Forwarder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel

        init(to other: any Channel) {
            self.other = other
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            for byte in unwrapInboundIn(data).readableBytesView {
                other.writeAndFlush(ByteBuffer(bytes: [byte]), promise: nil)
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            other.close(promise: nil)
        }
    }
}
