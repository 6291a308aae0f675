import NIOCore
import NIOPosix

/// Beginning and end of a host's sockets.
extension HostLoop {
    /// Puts the bound sockets under NIO: from here on datagrams and connections come in.
    func open() -> EventLoopFuture<Void> {
        let futures = homes.indices.flatMap { home in
            [openUDP(home)] + (homes[home].tcp.map { [openTCP(home, $0)] } ?? [])
        }
        return EventLoopFuture.andAllComplete(futures, on: eventLoop).flatMapWithEventLoop { _, loop in
            EventLoopFuture.andAllSucceed(futures, on: loop)
        }
    }

    private func openUDP(_ home: Int) -> EventLoopFuture<Void> {
        let driver = NIOLoopBound(driver(of: home), eventLoop: eventLoop)
        let allocator = FixedSizeRecvByteBufferAllocator(capacity: UDPDriver.datagramBytesMax)
        let opened = DatagramBootstrap(group: eventLoop)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: allocator)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(driver.value)
                }
            }
            .withBoundSocket(homes[home].udp)
        return keep(opened, home)
    }

    private func openTCP(_ home: Int, _ descriptor: CInt) -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let bootstrap = ServerBootstrap(group: eventLoop, childGroup: eventLoop)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.peers.prepareAccepted(channel) }
            }
        return keep(PeerTable.configureAccepted(bootstrap).withBoundSocket(descriptor), home)
    }

    private func keep(_ opened: EventLoopFuture<any Channel>, _ home: Int) -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        return opened.map { channel in
            bound.value.opened(channel)
            channel.closeFuture.whenComplete { _ in bound.value.lost(bound.value.homes[home].local) }
        }
    }

    /// Stops everything.
    ///
    /// Completes when sockets and files are closed. No fact is taken any more.
    func stop() -> EventLoopFuture<Void> {
        guard let sockets = end() else { return eventLoop.makeSucceededVoidFuture() }
        let closed = sockets.map { channel in
            channel.close(promise: nil)
            return channel.closeFuture
        }
        return EventLoopFuture.andAllComplete(closed + [peers.closeAll(), storages.closeAll()], on: eventLoop)
    }
}
