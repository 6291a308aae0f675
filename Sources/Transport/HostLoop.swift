import CShims
import Client
import Kademlia
import Logging
import NIOCore
import PeerProtocol
import Primitives
import Storage
import Swarm
import TrackerProtocol

/// The inside of a host: the client, its sockets and its files, all on one event loop.
///
/// Facts come in from drivers, storages and commands, one at a time; after each its outputs are carried out. Carrying
/// out can give rise to facts at once (a socket that fails while it is written), and those wait in a queue. A batch
/// ends when a read is complete or a fact has come from elsewhere: then the queue is emptied, every socket that was
/// written to is flushed once, and the timer is set.
final class HostLoop {
    /// What happened, for the queue.
    ///
    /// Reads are not among these: their bytes do not outlive the call.
    enum Fact {
        case connected(PeerHandle)
        case connectFailed(PeerHandle)
        case disconnected(PeerHandle)
        case blocksSent([BlockRequest], to: PeerHandle)
        case storage(TorrentHandle, [StorageEvent])
        case fetched(AnnounceID, Result<(status: Int, body: [UInt8]), TrackerFailure>)
        case resolved(AnnounceID, Result<[Endpoint], TrackerFailure>)
        case command(Client.Command)
        /// Nothing can be sent from any home.
        case networkLost
        /// Packets leave from this home again.
        case homeReturned(HomeIndex, at: Endpoint)
        case timedOut
    }

    let eventLoop: any EventLoop
    let configuration: HostConfiguration
    let logger: Logger
    private(set) var homes: [BoundHome]
    private(set) lazy var peers = PeerTable(loop: self)
    private(set) lazy var storages = StorageTable(loop: self)
    private(set) lazy var trackers = TrackerTable(loop: self)
    private(set) var client: Client
    /// By home.
    private var udp: [UDPDriver] = []
    let report: @Sendable (HostEvent) -> Void

    /// Of links, and of homes that were not replaced.
    private var sockets: [any Channel] = []
    /// By home; those of an earlier set are closed on purpose.
    private var homeSockets: [[any Channel]]
    private var links: [LocalLinkDriver] = []
    var bindWatch: BindWatch
    var bindLook: RepeatedTask?
    /// Datagrams that sockets which were replaced did not send.
    private var unsentBefore = 0
    /// Connections that ended without the other end knowing, by our address; the oldest are forgotten.
    var severed: [Endpoint: [(port: UInt16, peer: Endpoint)]] = [:]
    /// By address that was a home's: while the interface is gone, and until the address comes back.
    private var mutes: [Endpoint: [CInt]] = [:]
    /// More addresses than these are not held.
    private static let mutedMax = 16

    private var outbox = Client.Outbox()
    private var facts: [Fact] = []
    /// Those that are being handled; the two arrays take turns.
    private var batch: [Fact] = []
    private var isBusy = false
    private var isStopped = false
    private var batchTime: Instant?
    private lazy var timer = LoopTimer(eventLoop: eventLoop) { [unowned self] in tell(.timedOut) }

    init(
        eventLoop: any EventLoop, configuration: HostConfiguration, logger: Logger, homes: [BoundHome],
        report: @escaping @Sendable (HostEvent) -> Void
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.logger = logger
        self.homes = homes
        self.report = report
        homeSockets = homes.map { _ in [] }
        bindWatch = BindWatch(homes)
        var settings = configuration.client
        settings.usesLocalDiscovery = !configuration.localLinks.isEmpty
        client = Client(
            configuration: settings,
            homes: homes.map { HomeSetup(local: $0.local) }, restoring: configuration.nodeState,
            generator: SeededGenerator(seed: configuration.seed), now: LoopTimer.now)
        udp = homes.enumerated().map { UDPDriver(home: $0.offset, descriptor: $0.element.udp, loop: self) }
    }

    /// The time of the running batch: the clock is read once for all of its facts.
    var now: Instant {
        if let batchTime { return batchTime }
        let time = LoopTimer.now
        batchTime = time
        return time
    }

    func driver(of home: HomeIndex) -> UDPDriver { udp[home] }

    /// Datagrams that the system did not take, or that had no interface to leave by.
    var unsentDatagrams: Int { unsentBefore + udp.reduce(0) { $0 + $1.unsent } }

    /// Where a new connection to this family leaves from: a home that can send, if there is one.
    func home(for family: Endpoint.Family) -> BoundHome? {
        homes.indices.first { homes[$0].local.family == family && !bindWatch.isLost($0) }.map { homes[$0] }
    }

    // MARK: Sockets

    /// One that is ready only after the end is closed at once: nobody else would.
    func opened(_ socket: any Channel) {
        guard !isStopped else { return socket.close(promise: nil) }
        sockets.append(socket)
    }

    func opened(_ socket: any Channel, of home: Int) {
        guard !isStopped else { return socket.close(promise: nil) }
        homeSockets[home].append(socket)
    }

    /// New sockets take the place of a home's old ones, which are closed.
    func replace(_ home: Int, by new: BoundHome) {
        let (old, before) = (homeSockets[home], homes[home])
        homeSockets[home] = []
        unsentBefore += udp[home].unsent
        homes[home] = new
        udp[home] = UDPDriver(home: home, descriptor: new.udp, loop: self)
        open(home).whenFailure { [logger] error in logger.error("socket lost", metadata: ["error": "\(error)"]) }
        for socket in old { socket.close(promise: nil) }
        // Those of a home that was muted are closed.
        if !old.isEmpty { before.closeGuards() }
    }

    /// The sockets of a home are closed, and others hold their ports that answer nothing.
    func mute(_ index: Int) {
        let (home, old) = (homes[index], homeSockets[index])
        homeSockets[index] = []
        for socket in old { socket.close(promise: nil) }
        home.closeGuards()
        hold(home)
    }

    /// Swallows what comes for a home's address, now that its sockets are closed.
    func hold(_ home: BoundHome) {
        guard mutes.count < Self.mutedMax, mutes[home.local.host] == nil else { return }
        mutes[home.local.host] = home.openMutes()
    }

    func unmute(_ address: Endpoint) {
        for descriptor in mutes.removeValue(forKey: address.host) ?? [] { mainline_close(descriptor) }
    }

    func homeSocketsAreGone(_ home: Int) -> Bool { homeSockets[home].isEmpty }

    func add(_ link: LocalLinkDriver) {
        links.append(link)
    }

    /// Forgets the links of an interface, and closes their sockets.
    func removeLinks(of interface: String, _ family: Endpoint.Family) {
        let isGone = { (link: LocalLink) in link.interface == interface && link.address.family == family }
        for driver in links where isGone(driver.link) { driver.close() }
        links.removeAll { isGone($0.link) }
    }

    var hasLinks: Bool { !links.isEmpty }

    func lost(_ socket: any Channel, of home: Int) {
        guard !isStopped, homeSockets[home].contains(where: { $0 === socket }) else { return }
        let local = homes[home].local
        logger.error("socket lost", metadata: ["address": "\(local)"])
        report(.socketLost(local))
    }

    /// Takes no fact from here on; hands out the sockets to close, or nil when that was done before.
    func end() -> [any Channel]? {
        guard !isStopped else { return nil }
        isStopped = true
        timer.stop()
        bindLook?.cancel()
        facts = []
        udp = []
        for (index, home) in homes.enumerated() where !homeSockets[index].isEmpty { home.closeGuards() }
        for descriptor in mutes.values.joined() { mainline_close(descriptor) }
        mutes = [:]
        links = []
        defer {
            sockets = []
            homeSockets = []
        }
        return sockets + homeSockets.joined()
    }

    // MARK: Facts that carry bytes, or want an answer at once

    func received(_ packet: RawSpan, from source: Endpoint, at home: HomeIndex) {
        guard !isStopped else { return }
        let wasBusy = isBusy
        isBusy = true
        defer { isBusy = wasBusy }
        client.receivedDatagram(packet, from: source, at: home, now: now, into: &outbox)
        carryOut()
    }

    /// A datagram that is neither KRPC nor uTP; false if no tracker was expected to send it.
    func receivedTracker(_ packet: RawSpan, from source: Endpoint, at home: HomeIndex) -> Bool {
        guard !isStopped else { return false }
        let wasBusy = isBusy
        isBusy = true
        defer { isBusy = wasBusy }
        let isReply = client.receivedTrackerDatagram(packet, from: source, at: home, now: now, into: &outbox)
        carryOut()
        return isReply
    }

    /// What a neighbour has said to all.
    func receivedLocal(_ packet: RawSpan, from source: Endpoint) {
        guard !isStopped else { return }
        let wasBusy = isBusy
        isBusy = true
        defer { isBusy = wasBusy }
        client.receivedLocalAnnounce(packet, from: source, now: now, into: &outbox)
        carryOut()
    }

    /// Returns how many bytes the client took from the front; nil when the connection is gone.
    ///
    /// `isRead` says that the bytes lie in a read buffer of their own, of which slices may be kept.
    func received(_ bytes: ByteBuffer, isRead: Bool, from peer: PeerHandle) -> Int? {
        guard !isStopped else { return nil }
        let wasBusy = isBusy
        isBusy = true
        defer { isBusy = wasBusy }
        let consumed = client.received(bytes.readableBytesSpan, from: peer, now: now, into: &outbox)
        let payloads = PayloadSource(bytes, mayKeepSlices: isRead, outbox.swarm.actions)
        carryOut(payloads: payloads)
        if payloads.byteCount > 0, let torrent = peers[peer]?.deliversTo {
            backlogChanged(of: torrent)
            carryOut()
        }
        return peers[peer] == nil ? nil : consumed
    }

    /// The first bytes of a connection, before its session reads.
    ///
    /// Returns how many the client took; nil when the connection is gone.
    func openingReceived(_ bytes: RawSpan, from peer: PeerHandle) -> Int? {
        guard !isStopped else { return nil }
        let wasBusy = isBusy
        isBusy = true
        defer { isBusy = wasBusy }
        let consumed = client.openingReceived(bytes, from: peer, now: now, into: &outbox)
        carryOut()
        return peers[peer] == nil ? nil : consumed
    }

    func isOpening(_ peer: PeerHandle) -> Bool { client.isOpening(peer) }

    /// In place, what was just read from an encrypted connection.
    func decrypt(_ bytes: inout ByteBuffer, from peer: PeerHandle) {
        var span = bytes.mutableReadableBytesSpan
        client.decrypt(&span, from: peer)
    }

    /// Whether `decrypt` and `encrypt` change nothing from now on.
    func passesAsIs(_ peer: PeerHandle) -> Bool { client.passesAsIs(peer) }

    /// In place, what is about to be written to one.
    func encrypt(_ bytes: inout ByteBuffer, to peer: PeerHandle) {
        var span = bytes.mutableReadableBytesSpan
        client.encrypt(&span, to: peer)
    }

    func accepted(_ connection: PeerConnection, from endpoint: Endpoint) -> PeerHandle? {
        guard !isStopped else { return nil }
        let wasBusy = isBusy
        isBusy = true
        defer { isBusy = wasBusy }
        let handle = client.accepted(from: endpoint, now: now, into: &outbox)
        peers.insert(connection, as: handle)
        carryOut()
        return handle
    }

    // MARK: Facts for the queue

    /// Handles a fact now, or after what is being carried out.
    func tell(_ fact: Fact) {
        guard !isStopped else { return }
        facts.append(fact)
        endBatch()
    }

    /// Empties the queue, flushes what was written and sets the timer; does nothing within another batch.
    func endBatch() {
        guard !isBusy, !isStopped else { return }
        isBusy = true
        repeat {
            swap(&batch, &facts)
            for fact in batch {
                apply(fact)
                carryOut()
            }
            batch.removeAll(keepingCapacity: true)
            storages.startReads()
            peers.flush()
        } while !facts.isEmpty
        for driver in udp { driver.flush() }
        isBusy = false
        batchTime = nil
        timer.set(client.nextDeadline)
    }

    private func apply(_ fact: Fact) {
        switch fact {
        case .connected(let peer):
            client.connected(peer, now: now, into: &outbox)
        case .connectFailed(let peer):
            peers.remove(peer)
            client.connectFailed(peer, now: now, into: &outbox)
        case .disconnected(let peer):
            peers.remove(peer)
            client.disconnected(peer, now: now, into: &outbox)
        case .blocksSent(let blocks, let peer):
            client.blocksSent(blocks, to: peer, now: now, into: &outbox)
        case .storage(let torrent, let events):
            for event in events { apply(event, of: torrent) }
        case .fetched(let id, let result):
            client.fetched(id, result, now: now, into: &outbox)
        case .resolved(let id, let result):
            client.resolved(id, result, now: now, into: &outbox)
        case .command(let command):
            client.command(command, now: now, into: &outbox)
            if case .remove(let torrent) = command { storages.close(torrent) }
        case .networkLost:
            client.networkLost(now: now)
        case .homeReturned(let home, let local):
            client.homeReturned(home, at: local, now: now, into: &outbox)
        case .timedOut:
            client.timedOut(now: now, into: &outbox)
        }
    }

    private func apply(_ event: StorageEvent, of torrent: TorrentHandle) {
        switch event {
        case .opened(let have):
            report(.storage(torrent, event))
            client.storageOpened(torrent, have: have, now: now, into: &outbox)
        case .failed:
            report(.storage(torrent, event))
            client.storageFailed(torrent, now: now, into: &outbox)
        case .pieceVerified(let piece):
            client.pieceVerified(piece, of: torrent, now: now, into: &outbox)
        case .pieceFailed(let piece, let blocks):
            client.pieceFailed(piece, blocks: blocks, of: torrent, now: now, into: &outbox)
        case .blocksDigested(let piece, let blocks):
            client.blocksDigested(piece, blocks, of: torrent, now: now, into: &outbox)
        case .released(let bytes):
            storages.released(bytes, by: torrent)
            backlogChanged(of: torrent)
        case .blocksRead(let tag, let bytes, let failed):
            guard let read = storages.finishedRead(tag) else { return }
            send(read.blocks, bytes, failed: failed, to: read.peer)
        case .blocksPiped(let tag):
            guard let read = storages.finishedRead(tag), let pipe = read.pipe, let connection = peers[read.peer] else {
                return
            }
            connection.send(pipe) { [self] in tell(.blocksSent(read.blocks, to: read.peer)) }
            peers.awaitFlush(connection)
        case .repaired, .checking:
            report(.storage(torrent, event))
        }
    }

    private func backlogChanged(of torrent: TorrentHandle) {
        guard let bytes = storages.backlog(of: torrent) else { return }
        client.storageBacklogChanged(of: torrent, bytes: bytes, now: now, into: &outbox)
    }

    // MARK: Outputs

    private func send(
        _ blocks: [BlockRequest], _ bytes: ByteBuffer, failed: [Int: StorageError], to peer: PeerHandle
    ) {
        guard let connection = peers[peer] else { return }
        var sent = blocks
        for (index, error) in failed.sorted(by: { $0.key > $1.key }) {
            logger.debug("block not readable", metadata: ["piece": "\(blocks[index].piece)", "error": "\(error)"])
            client.blockUnreadable(sent.remove(at: index), to: peer, now: now, into: &outbox)
        }
        guard !sent.isEmpty else { return }
        connection.send(bytes) { [self, sent] in tell(.blocksSent(sent, to: peer)) }
        peers.awaitFlush(connection)
    }

    private func carryOut(payloads: PayloadSource? = nil) {
        for datagram in outbox.dht.datagrams {
            udp[datagram.home].send(outbox.dht.bytes[datagram.range], to: datagram.to)
        }
        for action in outbox.swarm.actions { carryOut(action, payloads) }
        for action in outbox.trackers { carryOut(action) }
        for announce in outbox.localAnnounces { for link in links { link.send(announce) } }
        for event in outbox.events { report(.client(event)) }
        outbox.clear()
    }

    private func carryOut(_ action: Client.TrackerAction) {
        switch action {
        case .fetch(let id, let url, let family): trackers.fetch(id, url: url, family: family)
        case .resolve(let id, let host, let port): trackers.resolve(id, host: host, port: port)
        case .cancel(let id): trackers.cancel(id)
        case .send(let bytes, let endpoint, let home): udp[home].send(bytes[...], to: endpoint)
        }
    }

    private func carryOut(_ action: Swarm.Action, _ payloads: PayloadSource?) {
        switch action {
        case .connect(let peer, let endpoint):
            peers.connect(peer, to: endpoint, from: home(for: endpoint.family))
        case .send(let peer, let range):
            guard let connection = peers[peer] else { return }
            connection.send(outbox.swarm.bytes[range])
            peers.awaitFlush(connection)
        case .sendOpening(let peer, let range):
            guard let connection = peers[peer] else { return }
            connection.send(outbox.swarm.bytes[range])
            peers.awaitFlush(connection)
        case .encrypt(let peer):
            peers[peer]?.encrypt()
        case .close(let peer):
            peers.remove(peer)?.close()
        case .store(let torrent, let piece, let offset, let peer, let range):
            guard let payload = payloads?.payload(range) else { return }
            if let connection = peers[peer] { peers.delivered(connection, to: torrent) }
            storages.store(payload, piece: piece, offset: offset, in: torrent)
        case .forget(let torrent, let piece, let offset, let length):
            storages.forget(piece: piece, offset: offset, length: length, of: torrent)
        case .readBlock(let peer, let torrent, let block):
            storages.read(block, of: torrent, for: peer)
        case .digestBlocks(let torrent, let piece):
            storages.digestBlocks(of: piece, of: torrent)
        case .openStorage(let torrent, let info, let selection):
            storages.open(torrent, info, selection)
        case .pauseReading(let torrent):
            peers.setReading(of: torrent, paused: true)
        case .resumeReading(let torrent):
            peers.setReading(of: torrent, paused: false)
        }
    }
}
