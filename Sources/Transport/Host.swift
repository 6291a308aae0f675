package import Client
package import Kademlia
package import Logging
import NIOCore
import NIOPosix
package import Primitives
package import Swarm
import Synchronization

/// A client on the network: the one thing of this target that programs see.
///
/// It owns one event loop, on which the client value, its sockets and its bookkeeping live; every method may be called
/// from anywhere. `start` it once, and `stop` it: a host that is merely forgotten leaves its thread and sockets behind.
package final class Host: Sendable {
    private let configuration: HostConfiguration
    private let logger: Logger
    private let report: @Sendable (HostEvent) -> Void
    /// Nil when the loop is another host's.
    private let ownGroup: MultiThreadedEventLoopGroup?
    private let eventLoop: any EventLoop
    private let inside: NIOLoopBoundBox<HostLoop?>
    private let isStopped = Mutex(false)

    /// `report` is called on the loop and must not block.
    ///
    /// Hosts that share a loop share one thread: a test network runs many nodes on one. The host that owns it is then
    /// stopped last.
    package init(
        configuration: HostConfiguration, logger: Logger, sharingLoopOf other: Host? = nil,
        report: @escaping @Sendable (HostEvent) -> Void
    ) {
        self.configuration = configuration
        self.logger = logger
        self.report = report
        ownGroup = other == nil ? MultiThreadedEventLoopGroup(numberOfThreads: 1) : nil
        eventLoop = other?.eventLoop ?? ownGroup?.next() ?? MultiThreadedEventLoopGroup.singleton.next()
        inside = .makeEmptyBox(valueType: HostLoop.self, eventLoop: eventLoop)
    }

    /// Opens the sockets and returns the addresses that they are bound to, ports read back.
    ///
    /// Throws `HostError`.
    package func start() async throws -> [Endpoint] {
        let started = submit { [self] loop in
            guard loop == nil else { throw HostError.notStartable }
            let homes = try BoundHome.openAll(configuration)
            let loop = HostLoop(
                eventLoop: eventLoop, configuration: configuration, logger: logger, homes: homes, report: report)
            inside.value = loop
            return loop.open().map { [self] in
                // A node with a state has something to do at once.
                inside.value?.tell(.timedOut)
                return homes.map(\.local)
            }
        }
        guard let started else { throw HostError.notStartable }
        return try await started.get()
    }

    /// Adds a torrent whose files go to `directory`.
    ///
    /// A `listenPort` of 0 becomes the host's own port.
    package func add(
        _ torrent: TorrentHandle, _ source: Client.TorrentSource, _ options: Client.TorrentOptions, directory: String
    ) {
        onLoop { loop in
            var options = options
            if options.listenPort == 0, let home = loop.homes.first, home.tcp != nil {
                options.listenPort = home.local.port
            }
            loop.storages.setDirectory(directory, of: torrent)
            loop.tell(.command(.add(torrent, source, options)))
        }
    }

    /// `remove` also closes the torrent's files.
    package func command(_ command: Client.Command) {
        onLoop { $0.tell(.command(command)) }
    }

    /// Nil for a torrent that is not there.
    package func snapshot(of torrent: TorrentHandle) async -> TorrentSnapshot? {
        await ask { $0.client.snapshot(of: torrent) }
    }

    /// Datagrams that the system did not take, or that had no interface to leave by; nil unless the host runs.
    package func unsentDatagrams() async -> Int? {
        await ask { $0.unsentDatagrams }
    }

    /// Messages that wait for peers to read them, in bytes; nil when the host is stopped.
    package func unsentMessageBytes() async -> Int? {
        await ask { $0.peers.unsentMessageBytes }
    }

    /// What was read of messages that are not whole, in bytes; nil when the host is stopped.
    package func heldMessageBytes() async -> Int? {
        await ask { $0.peers.heldBytes }
    }

    /// Nil unless the host runs.
    package func nodeStatistics() async -> Kademlia.Statistics? {
        await ask { $0.client.nodeStatistics }
    }

    /// What the limits of the whole client have refused; nil unless the host runs.
    package func clientStatistics() async -> ClientStatistics? {
        await ask { $0.client.statistics }
    }

    /// What to start the next run with; nil unless the host runs.
    package func nodeState() async -> NodeState? {
        await ask { $0.client.nodeState }
    }

    /// Closes all connections and sockets, waits until the files are written and closed, and gives the thread back.
    ///
    /// Nothing is reported after it returns, commands are ignored and questions answered by nil. A second call does
    /// nothing, and does not wait for the first.
    package func stop() async {
        let ended = isStopped.withLock { isStopped -> EventLoopFuture<Void>? in
            guard !isStopped else { return nil }
            isStopped = true
            return eventLoop.flatSubmit { [self] in
                inside.value?.stop() ?? eventLoop.makeSucceededVoidFuture()
            }
        }
        guard let ended else { return }
        try? await ended.get()
        try? await ownGroup?.shutdownGracefully()
    }

    /// Runs `action` on the loop with what is inside; nil when the host is stopped.
    ///
    /// The lock keeps the loop from being shut down between the look at the flag and the submission.
    private func submit<Answer: Sendable>(
        _ action: @escaping @Sendable (HostLoop?) throws -> EventLoopFuture<Answer>
    ) -> EventLoopFuture<Answer>? {
        isStopped.withLock { isStopped in
            guard !isStopped else { return nil }
            return eventLoop.flatSubmit { [self] in
                do { return try action(inside.value) } catch { return eventLoop.makeFailedFuture(error) }
            }
        }
    }

    private func onLoop(_ action: @escaping @Sendable (HostLoop) -> Void) {
        _ = submit { [eventLoop] loop in
            if let loop { action(loop) }
            return eventLoop.makeSucceededVoidFuture()
        }
    }

    private func ask<Answer: Sendable>(_ question: @escaping @Sendable (HostLoop) -> Answer?) async -> Answer? {
        let answer = submit { [eventLoop] loop in eventLoop.makeSucceededFuture(loop.flatMap(question)) }
        return try? await answer?.get()
    }
}
