package import Client
package import Kademlia
package import Logging
import NIOCore
import NIOPosix
package import Primitives
package import Swarm

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

    /// Opens the sockets and returns the addresses that they are bound to, ports read back. Throws `HostError`.
    package func start() async throws -> [Endpoint] {
        try await eventLoop.flatSubmit { [self] in
            do {
                guard inside.value == nil else { throw HostError.notStartable }
                let homes = try BoundHome.openAll(configuration)
                let loop = HostLoop(
                    eventLoop: eventLoop, configuration: configuration, logger: logger, homes: homes, report: report)
                inside.value = loop
                return loop.open().map { homes.map(\.local) }
            } catch {
                return eventLoop.makeFailedFuture(error)
            }
        }.get()
    }

    /// Adds a torrent whose files go to `directory`. A `listenPort` of 0 becomes the host's own port.
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
        await ask { $0.client.snapshot(of: torrent) } ?? nil
    }

    /// Nil unless the host runs.
    package func nodeStatistics() async -> Kademlia.Statistics? {
        await ask { $0.client.nodeStatistics }
    }

    /// Closes all connections and sockets, waits until the files are written and closed, and gives the thread back.
    /// Nothing is reported after it returns. A second call does nothing.
    package func stop() async {
        try? await eventLoop.flatSubmit { [self] in
            inside.value?.stop() ?? eventLoop.makeSucceededVoidFuture()
        }.get()
        try? await ownGroup?.shutdownGracefully()
    }

    private func onLoop(_ action: @escaping @Sendable (HostLoop) -> Void) {
        eventLoop.execute { [self] in
            if let loop = inside.value { action(loop) }
        }
    }

    private func ask<Answer: Sendable>(_ question: @escaping @Sendable (HostLoop) -> Answer) async -> Answer? {
        try? await eventLoop.submit { [self] in inside.value.map(question) }.get()
    }
}
