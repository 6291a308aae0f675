import Client
import Kademlia
import NIOCore
import NIOPosix

/// Beginning and end of a host's sockets.
extension HostLoop {
    /// Puts the bound sockets under NIO: from here on datagrams and connections come in.
    func open() -> EventLoopFuture<Void> {
        openLinks(configuration.localLinks)
        watchInterfaces()
        let futures = homes.indices.map { open($0) }
        return EventLoopFuture.andAllComplete(futures, on: eventLoop).flatMapWithEventLoop { _, loop in
            EventLoopFuture.andAllSucceed(futures, on: loop)
        }
    }

    /// The sockets of one home.
    func open(_ home: Int) -> EventLoopFuture<Void> {
        let futures = [openUDP(home)] + (homes[home].tcp.map { [openTCP(home, $0)] } ?? [])
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
            bound.value.opened(channel, of: home)
            channel.closeFuture.whenComplete { _ in bound.value.lost(channel, of: home) }
        }
    }

    /// Trackers are told goodbye, but nobody waits longer for that than this.
    private static let farewellLimit = TimeAmount.seconds(3)
    private static let farewellCheck = TimeAmount.milliseconds(20)

    /// Removes all torrents, waits a little for the trackers that have to hear of it, and stops everything.
    ///
    /// Completes when sockets and files are closed.
    func stop() -> EventLoopFuture<Void> {
        for torrent in client.torrents { tell(.command(.remove(torrent))) }
        let left = eventLoop.makePromise(of: Void.self)
        awaitFarewell(until: .now() + Self.farewellLimit, left)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let quiet = eventLoop.makePromise(of: Void.self)
        left.futureResult.whenComplete { _ in bound.value.awaitAnswers(until: .now() + Self.lastAnswersLimit, quiet) }
        return quiet.futureResult.flatMap { bound.value.close() }
    }

    private func awaitFarewell(until deadline: NIODeadline, _ left: EventLoopPromise<Void>) {
        guard !client.hasLeftTrackers, .now() < deadline else { return left.succeed() }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: Self.farewellCheck) { bound.value.awaitFarewell(until: deadline, left) }
    }

    /// Answers under way may take this long at the end, where sockets are bound to an interface: what comes for a port
    /// that is closed, the system refuses by whatever route is best.
    private static let lastAnswersLimit = TimeAmount.seconds(1)

    private func awaitAnswers(until deadline: NIODeadline, _ done: EventLoopPromise<Void>) {
        let isQuiet = bindWatch.isEmpty || client.nodeStatistics.transactionsInFlight == 0
        guard !isQuiet, .now() < deadline else { return done.succeed() }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: Self.farewellCheck) { bound.value.awaitAnswers(until: deadline, done) }
    }

    /// No fact is taken any more.
    private func close() -> EventLoopFuture<Void> {
        guard let sockets = end() else { return eventLoop.makeSucceededVoidFuture() }
        let closed = sockets.map { channel in
            channel.close(promise: nil)
            return channel.closeFuture
        }
        return EventLoopFuture.andAllComplete(
            closed + [peers.closeAll(), storages.closeAll(), trackers.stop()], on: eventLoop)
    }
}
