import Glibc
import Logging
import NIOCore
import NIOPosix
import Primitives
import Swarm

/// The peer connections of a host by handle, and how new ones are made.
final class PeerTable {
    /// The size of a read follows the peer's rate.
    ///
    /// It doubles while reads fill it and halves while they do not. 256 KiB is where larger reads stop to pay
    /// (docs/decisions), and one buffer is what a silent peer costs.
    static let readBytesMin = 2_048
    static let readBytesMax = 256 * 1_024

    /// `IP_BIND_ADDRESS_NO_PORT`: the port of an outgoing connection is chosen when it connects, so that one port
    /// can serve many destinations.
    private static let bindAddressNoPort = ChannelOptions.Types.SocketOption(
        level: .ip, name: NIOBSDSocket.Option(rawValue: 24))

    /// `SO_BINDTOIFINDEX`: the one interface that the connection may use.
    ///
    /// Since Linux 5.0.
    private static let bindToDevice = ChannelOptions.Types.SocketOption(
        level: .socket, name: NIOBSDSocket.Option(rawValue: 62))

    /// How long a connection that was closed still reads, where sockets are bound to an interface.
    static let lingerTime = TimeAmount.seconds(1)
    /// Of these at once; more are closed without.
    private static let lingeringMax = 64

    /// `SO_REUSEPORT`: the port has a guard.
    private static let sharePort = ChannelOptions.Types.SocketOption(
        level: .socket, name: NIOBSDSocket.Option(rawValue: 15))

    private unowned let loop: HostLoop
    private var lingering: Set<ObjectIdentifier> = []
    private var connections: [PeerHandle: PeerConnection] = [:]
    /// Written to since the last flush, in that order.
    private var unflushed: [PeerConnection] = []
    /// Torrents whose disk is behind.
    private var paused: Set<TorrentHandle> = []
    /// Messages that wait for peers to read them, as of the last flush of each.
    private(set) var unsentMessageBytes = 0
    /// Connections ended because all together had more unread than `unsentMessageBytesMax`.
    private(set) var unreadCount = 0

    /// Messages that may wait for all peers together; beyond, the connection with most of them ends.
    ///
    /// Blocks are not counted: they are bounded by upload places, and mostly lie in pipes.
    static let unsentMessageBytesMax = 32 << 20

    /// Messages of which a part is here.
    private(set) var heldBytes = 0
    /// Connections ended because all together had begun more than `heldBytesMax`.
    private(set) var unfinishedCount = 0

    /// What all peers together may have begun to say; beyond, the connection of which most is held ends.
    static let heldBytesMax = 16 << 20

    init(loop: HostLoop) {
        self.loop = loop
    }

    var count: Int { connections.count }

    subscript(handle: PeerHandle) -> PeerConnection? { connections[handle] }

    // MARK: New connections

    /// Attempts a connection from `home`; the outcome is told to the loop as a fact.
    func connect(_ handle: PeerHandle, to endpoint: Endpoint, from home: BoundHome?) {
        guard let home, let remoteAddress = try? endpoint.socketAddress else {
            return loop.tell(.connectFailed(handle))
        }
        let connection = PeerConnection(handle: handle, loop: loop)
        connections[handle] = connection
        attempt(connection, to: endpoint, at: remoteAddress, from: home, 0)
    }

    /// The attempt from one port; from the next one if the system has that in use for the same peer.
    private func attempt(
        _ connection: PeerConnection, to endpoint: Endpoint, at remoteAddress: SocketAddress, from home: BoundHome,
        _ number: Int
    ) {
        let bound = NIOLoopBound(connection, eventLoop: loop.eventLoop)
        var bootstrap = ClientBootstrap(group: loop.eventLoop)
            .connectTimeout(.nanoseconds(loop.configuration.connectTimeout.wholeNanoseconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: Self.readAllocator)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
        if let device = home.device {
            bootstrap = bootstrap.channelOption(Self.bindToDevice, value: Int(device.index))
        }
        let port = home.callingPort(for: endpoint, attempt: number)
        if !home.local.isAnyAddress {
            var source = home.local
            source.port = port ?? 0
            guard let sourceAddress = try? source.socketAddress else { return connection.connectFailed() }
            bootstrap =
                port == nil
                ? bootstrap.channelOption(Self.bindAddressNoPort, value: 1)
                : bootstrap.channelOption(.socketOption(.so_reuseaddr), value: 1)
                    .channelOption(Self.sharePort, value: 1)
            bootstrap = bootstrap.bind(to: sourceAddress)
        }
        let table = NIOLoopBound(self, eventLoop: loop.eventLoop)
        bootstrap.connect(to: remoteAddress).whenFailure { error in
            let isInUse = [EADDRNOTAVAIL, EADDRINUSE].contains((error as? IOError)?.errnoCode)
            guard isInUse, port != nil, bound.value.isOpening else { return bound.value.connectFailed() }
            table.value.attempt(bound.value, to: endpoint, at: remoteAddress, from: home, number + 1)
        }
    }

    /// Makes what an accepted connection needs; runs on the loop, in the channel's initializer.
    func prepareAccepted(_ channel: any Channel) throws {
        let connection = PeerConnection(handle: nil, loop: loop)
        try channel.pipeline.syncOperations.addHandler(connection)
    }

    static func configureAccepted(_ bootstrap: ServerBootstrap) -> ServerBootstrap {
        bootstrap
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: readAllocator)
    }

    private static var readAllocator: AdaptiveRecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: readBytesMin, initial: readBytesMin, maximum: readBytesMax)
    }

    /// Whether one more connection may read on after its end; it says so by `hasLingered` when it is over.
    func mayLinger(_ connection: PeerConnection) -> Bool {
        guard !loop.bindWatch.isEmpty, lingering.count < Self.lingeringMax else { return false }
        return lingering.insert(ObjectIdentifier(connection)).inserted
    }

    func hasLingered(_ connection: PeerConnection) {
        lingering.remove(ObjectIdentifier(connection))
    }

    func insert(_ connection: PeerConnection, as handle: PeerHandle) {
        connections[handle] = connection
    }

    // MARK: All of them

    /// Drops a handle that is dead; the connection itself is over or closed by the caller.
    @discardableResult
    func remove(_ handle: PeerHandle) -> PeerConnection? {
        connections.removeValue(forKey: handle)
    }

    func awaitFlush(_ connection: PeerConnection) {
        guard !connection.awaitsFlush else { return }
        connection.awaitsFlush = true
        unflushed.append(connection)
    }

    /// One flush for each connection that was written to; may tell facts.
    func flush() {
        while !unflushed.isEmpty {
            let batch = unflushed
            unflushed.removeAll(keepingCapacity: true)
            for connection in batch { connection.flush() }
        }
        if unsentMessageBytes > Self.unsentMessageBytesMax { dropUnread() }
    }

    func unsentChanged(by bytes: Int) { unsentMessageBytes += bytes }

    func heldChanged(by bytes: Int) {
        heldBytes += bytes
        while heldBytes > Self.heldBytesMax, let largest = connections.values.max(by: { $0.heldBytes < $1.heldBytes }),
            largest.heldBytes > 0
        {
            unfinishedCount += 1
            loop.logger.debug("peer leaves messages unfinished", metadata: ["held": "\(largest.heldBytes)"])
            largest.dropHeld()
        }
    }

    /// Ends the connections that leave most unread, until the rest is within the limit.
    private func dropUnread() {
        // What was sent since the last flush is not counted yet.
        for connection in connections.values { connection.recountUnsent() }
        while unsentMessageBytes > Self.unsentMessageBytesMax {
            let largest = connections.values.max { $0.unsentMessageBytes < $1.unsentMessageBytes }
            guard let largest, largest.unsentMessageBytes > 0 else { return }
            let before = unsentMessageBytes
            largest.dropUnread()
            guard unsentMessageBytes < before else { return }
            unreadCount += 1
            loop.logger.debug("peer reads too little", metadata: ["unread": "\(before - unsentMessageBytes)"])
        }
    }

    /// Stops or resumes reading from the peers that bring payload for a torrent; the others cost the disk nothing.
    func setReading(of torrent: TorrentHandle, paused isPaused: Bool) {
        if isPaused { paused.insert(torrent) } else { paused.remove(torrent) }
        for connection in connections.values where connection.deliversTo == torrent { connection.setPaused(isPaused) }
    }

    /// Payload for `torrent` came in on this connection.
    func delivered(_ connection: PeerConnection, to torrent: TorrentHandle) {
        guard connection.deliversTo != torrent else { return }
        connection.deliversTo = torrent
        if paused.contains(torrent) { connection.setPaused(true) }
    }

    /// Ends the connections that leave from an address, at once and for both ends: their interface was lost.
    ///
    /// Returns our port and the other end of each, in no order.
    @discardableResult
    func abort(from local: Endpoint) -> [(port: UInt16, peer: Endpoint)] {
        let leaving = connections.values.filter { $0.leaves(from: local) }
        return leaving.compactMap { connection in
            defer { connection.abort() }
            return connection.ends
        }
    }

    /// Completes when all are closed.
    func closeAll() -> EventLoopFuture<Void> {
        let all = connections.values
        connections = [:]
        unflushed = []
        return EventLoopFuture.andAllComplete(all.compactMap { $0.close() }, on: loop.eventLoop)
    }
}
