package import Kademlia
import Metainfo
import PeerProtocol
package import Primitives
package import Swarm
package import TrackerProtocol

/// A BitTorrent client as one value: a DHT node, any number of torrents, and the connections not yet given to one.
///
/// The driver reports facts with the time and carries out the `Outbox` after each: the datagrams, then the actions in
/// order, then the events; it arms one timer for `nextDeadline`. The same value runs under sockets, in the simulator
/// and in tests. What it merges: peers found by the DHT go to the swarm that asked, contacts that peers name go to the
/// node, incoming connections wait in the lobby until their handshake names a torrent.
package struct Client {
    let configuration: Configuration
    var node: Node
    var swarms: [TorrentHandle: Managed] = [:]
    var torrentsByInfoHash: [InfoHash: TorrentHandle] = [:]
    /// By what an encrypted opening names them with.
    var infoHashesByKey: [ID160: InfoHash] = [:]
    /// Which torrent a range of connection handles belongs to, by number of the range.
    var torrentsByRange: [Int: TorrentHandle] = [:]
    /// Incoming connections that a swarm has taken over keep their handle.
    var adopted: [PeerHandle: TorrentHandle] = [:]
    var lobby: Lobby
    var deadlines = DeadlineQueue()
    let peerID: PeerID
    /// Outlive their torrent until the trackers have heard of its end.
    var trackers: [TorrentHandle: TorrentTrackers] = [:]
    /// Announces over UDP by the number that their next answer carries.
    var udpAnnounces: [UInt32: AnnounceID] = [:]
    /// Nil where the driver has no links.
    var local: LocalDiscovery?
    /// Nil without a limit.
    var throttles: [Swarm.Direction: Throttle] = [:]
    /// Nothing can be sent from any home.
    var isOffline = false
    /// Lent to each swarm while it changes.
    var connectLimits: ConnectLimits
    private var generator: SeededGenerator
    private var nextRange = 1

    /// Torrents, connections and lookups of one client.
    package struct Configuration: Sendable {
        package var node = Kademlia.Configuration()
        package var swarm = Swarm.Configuration()
        package var announces = AnnounceSchedule.Configuration()
        /// Payload in bytes a second, of all torrents together; nil for no limit.
        package var uploadLimit: Int?
        package var downloadLimit: Int?
        /// With so many connections over which blocks went lately, trackers are asked for no more peers.
        package var peersEnough = 100
        /// The driver has links, where peers are found by multicast (BEP 14).
        package var usesLocalDiscovery = false
        /// Incoming connections whose handshake has not come yet, each a socket and a small buffer.
        ///
        /// When there are more, the oldest of the network that holds most gives way.
        package var lobbyMax = 256
        /// Key exchanges with callers that open encrypted: a burst, then so many a second.
        ///
        /// One costs about a tenth of a millisecond, so all together take 2% of a core. Beyond, callers are refused and
        /// may come back, or open in plaintext.
        package var keyExchangesOfAll = HostBudget.Rate(burst: 400, per: .milliseconds(5))
        /// The same for one host, and for a /24 or /56, where hosts have addresses of their own.
        package var keyExchangesPerHost = HostBudget.Rate(burst: 20, per: .milliseconds(200))
        package var keyExchangesPerPrefix = HostBudget.Rate(burst: 100, per: .milliseconds(20))
        /// How long an incoming connection may take to say its handshake.
        package var lobbyTimeout: Duration = .seconds(10)
        /// Torrents at once.
        package var torrentsMax = 10_000
        /// Peers of the DHT expire after 30 to 45 minutes at most nodes; 15 minutes is what most clients use.
        package var announceInterval: Duration = .seconds(15 * 60)
        /// The pause after the first announce that fewer than k/2 nodes stored; it doubles up to `announceInterval`, as
        /// a network may have no more nodes.
        package var announceRetryMin: Duration = .seconds(60)
        /// The pause after the first lookup that found no peer; it doubles up to `lookupRetryMax`.
        ///
        /// A user waits, and a peer that comes should not be met a minute late: a lookup in half a minute is a few
        /// queries a second.
        package var lookupRetryMin: Duration = .seconds(1)
        package var lookupRetryMax: Duration = .seconds(30)
        /// What we call ourselves to peers.
        package var clientName = "mainline 0.1"
        /// Azureus-style: MN, which BEP 20 gives to nobody, version 0.1.0.
        package var peerIDPrefix = "-MN0100-"

        package init() {}
    }

    /// A swarm and what the client keeps beside it.
    struct Managed {
        var swarm: Swarm
        let options: TorrentOptions
        /// The first handle number of this torrent's outgoing connections.
        let range: Int
        /// Nil without the DHT.
        var search: PeerSearch?
        /// At the last tick a peer had given us something lately.
        var wasReceiving = false
        /// The disk did not have all of it: its completion is news to trackers.
        var wasIncomplete = false

        /// Mutating, so that it is called in place: a getter would copy the whole swarm with each fact.
        mutating func nextDeadline() -> Instant? {
            let deadline = swarm.nextDeadline
            guard let wanted = search?.nextDeadline, !swarm.hasFailed else { return deadline }
            return deadline.map { min($0, wanted) } ?? wanted
        }
    }

    package init(
        configuration: Configuration, homes: [HomeSetup], restoring state: NodeState? = nil,
        generator: SeededGenerator, now: Instant
    ) {
        var generator = generator
        self.configuration = configuration
        node = Node(
            configuration: configuration.node, homes: homes, restoring: state, generator: generator.split(), now: now)
        peerID = PeerID(prefix: configuration.peerIDPrefix, using: &generator)
        lobby = Lobby(configuration, peerID: peerID, generator: generator.split())
        var connects = configuration.swarm.connects
        connects.countsHosts = configuration.node.networkMode == .public
        connectLimits = ConnectLimits(connects)
        if configuration.usesLocalDiscovery { local = LocalDiscovery(generator: &generator) }
        self.generator = generator
        throttles[.upload] = configuration.uploadLimit.map { Throttle(bytesPerSecond: $0, now: now) }
        throttles[.download] = configuration.downloadLimit.map { Throttle(bytesPerSecond: $0, now: now) }
    }

    package var nodeStatistics: Statistics { node.statistics }
    package var homes: [Home] { node.homes }
    /// For the next start.
    package var nodeState: NodeState { node.savedState }

    package var torrents: [TorrentHandle] { swarms.keys.sorted() }

    package func snapshot(of torrent: TorrentHandle) -> TorrentSnapshot? {
        swarms[torrent]?.swarm.snapshot
    }

    /// When `timedOut` is wanted next; looked at in place, after every batch of facts.
    package var nextDeadline: Instant? {
        mutating get {
            var next = Instant.distantFuture
            if let wanted = node.nextDeadline { next = min(next, wanted) }
            if let wanted = deadlines.next { next = min(next, wanted) }
            if let wanted = lobby.nextDeadline { next = min(next, wanted) }
            if let wanted = local?.nextDeadline { next = min(next, wanted) }
            for throttle in throttles.values { if let wanted = throttle.nextDeadline { next = min(next, wanted) } }
            return next == .distantFuture ? nil : next
        }
    }

    package mutating func timedOut(now: Instant, into outbox: inout Outbox) {
        if let deadline = node.nextDeadline, now >= deadline { node.timedOut(now: now, into: &outbox.dht) }
        lobby.timedOut(now: now, into: &outbox.swarm)
        for direction in [Swarm.Direction.upload, .download] { giveShares(direction, now: now, into: &outbox) }
        while let torrent = deadlines.due(now: now) {
            withSwarm(torrent, now: now, into: &outbox) { $0.timedOut(now: now, into: &$1) }
            hurrySearchIfDry(torrent, now: now)
            continueSearch(of: torrent, now: now, into: &outbox)
            trackersTimedOut(torrent, now: now, into: &outbox)
        }
        outbox.localAnnounces += local?.announcesDue(now: now) ?? []
        settle(now: now, into: &outbox)
    }

    package mutating func receivedDatagram(
        _ bytes: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
    ) {
        node.received(bytes, from: source, at: home, now: now, into: &outbox.dht)
        settle(now: now, into: &outbox)
    }

    package mutating func command(_ command: Command, now: Instant, into outbox: inout Outbox) {
        switch command {
        case .bootstrap(let endpoints):
            node.command(.bootstrap(endpoints), now: now, into: &outbox.dht)
        case .dht(let command):
            node.command(command, now: now, into: &outbox.dht)
        case .add(let torrent, let source, let options):
            add(torrent, source, options, now: now, into: &outbox)
        case .remove(let torrent):
            remove(torrent, now: now, into: &outbox)
        case .addPeers(let torrent, let endpoints, let source):
            let usable = endpoints.filter { source != .dht || configuration.node.networkMode.accepts($0) }
            withSwarm(torrent, now: now, into: &outbox) { swarm, outbox in
                swarm.peersFound(usable, source: source, now: now, into: &outbox)
            }
        }
        settle(now: now, into: &outbox)
    }

    private mutating func add(
        _ torrent: TorrentHandle, _ source: TorrentSource, _ options: TorrentOptions, now: Instant,
        into outbox: inout Outbox
    ) {
        let infoHash =
            switch source {
            case .infoHash(let infoHash): infoHash
            case .info(let info): info.infoHash
            }
        guard swarms[torrent] == nil, torrentsByInfoHash[infoHash] == nil, swarms.count < configuration.torrentsMax
        else { return }
        var limits = configuration.swarm
        limits.peersMax = options.maxPeers
        limits.bansHosts = configuration.node.networkMode == .public
        var identity = Swarm.Identity(
            peerID: peerID, listenPort: options.listenPort, clientName: configuration.clientName)
        identity.wantsMetadataOnly = options.metadataOnly
        identity.usesExchange = options.usesExchange
        identity.isSequential = options.isSequential
        identity.selection = options.selection
        let range = nextRange
        nextRange += 1
        var swarm = Swarm(
            torrent: torrent, infoHash: infoHash, configuration: limits, identity: identity,
            firstHandle: range << Self.rangeShift, generator: generator.split(), now: now)
        for home in node.homes {
            let address = home.external ?? home.local
            if !address.isAnyAddress { swarm.weAre(address) }
        }
        for direction in [Swarm.Direction.upload, .download] where throttles[direction] != nil {
            swarm.limit(direction)
        }
        if isOffline { swarm.networkLost() }
        swarms[torrent] = Managed(
            swarm: swarm, options: options, range: range,
            search: options.usesDHT ? PeerSearch(configuration: configuration, now: now) : nil)
        torrentsByInfoHash[infoHash] = torrent
        infoHashesByKey[EncryptionHandshake.torrentKey(of: infoHash)] = infoHash
        torrentsByRange[range] = torrent
        var isPrivate = false
        if case .info(let info) = source { isPrivate = info.isPrivate }
        addTrackers(of: torrent, options, identity, infoHash, isPrivate: isPrivate, into: &outbox)
        if options.usesLocalDiscovery, !isPrivate {
            local?.add(torrent, infoHash, port: options.listenPort, now: now)
        }
        // What is on the disk decides what a tracker is told; of a magnet nothing can be.
        if case .infoHash = source {
            withSchedule(of: torrent, now: now, into: &outbox) { $0.started(now: now, into: &$1) }
        }
        if case .info(let info) = source {
            withSwarm(torrent, now: now, into: &outbox) { $0.metadataKnown(info, now: now, into: &$1) }
        }
        continueSearch(of: torrent, now: now, into: &outbox)
    }

    private mutating func remove(_ torrent: TorrentHandle, now: Instant, into outbox: inout Outbox) {
        withSwarm(torrent, now: now, into: &outbox) { $0.close(now: now, into: &$1) }
        withSchedule(of: torrent, now: now, into: &outbox) { $0.stopped(now: now, into: &$1) }
        guard let managed = swarms.removeValue(forKey: torrent) else { return }
        torrentsByInfoHash[managed.swarm.infoHash] = nil
        infoHashesByKey[EncryptionHandshake.torrentKey(of: managed.swarm.infoHash)] = nil
        torrentsByRange[managed.range] = nil
        local?.remove(torrent)
        throttles[.upload]?.forget(torrent)
        throttles[.download]?.forget(torrent)
        adopted = adopted.filter { $0.value != torrent }
        node.command(.cancel(lookup(of: managed.range)), now: now, into: &outbox.dht)
        if trackers[torrent]?.schedule.isFinished == true { trackers[torrent] = nil }
        schedule(torrent)
    }

    private mutating func giveShares(_ direction: Swarm.Direction, now: Instant, into outbox: inout Outbox) {
        for share in throttles[direction]?.shares(now: now) ?? [] {
            withSwarm(share.torrent, now: now, into: &outbox) {
                $0.allowed(share.bytes, direction, now: now, into: &$1)
            }
        }
    }

    mutating func splitGenerator() -> SeededGenerator { generator.split() }

    /// Handles below the first range are the lobby's.
    static let rangeShift = 40

    func torrent(of peer: PeerHandle) -> TorrentHandle? {
        let range = peer.rawValue >> Self.rangeShift
        return range > 0 ? torrentsByRange[range] : adopted[peer]
    }

    /// Runs one mutation of a swarm in place and keeps its deadline up to date.
    @discardableResult
    mutating func withSwarm<Result>(
        _ torrent: TorrentHandle, now: Instant, into outbox: inout Outbox,
        _ change: (inout Swarm, inout Swarm.Outbox) -> Result
    ) -> Result? {
        guard let index = swarms.index(forKey: torrent) else { return nil }
        swap(&swarms.values[index].swarm.connectLimits, &connectLimits)
        let result = change(&swarms.values[index].swarm, &outbox.swarm)
        swap(&swarms.values[index].swarm.connectLimits, &connectLimits)
        schedule(torrent)
        return result
    }

    mutating func schedule(_ torrent: TorrentHandle) {
        var deadline: Instant?
        if let index = swarms.index(forKey: torrent) { deadline = swarms.values[index].nextDeadline() }
        if let index = trackers.index(forKey: torrent), let wanted = trackers.values[index].nextDeadline() {
            deadline = deadline.map { min($0, wanted) } ?? wanted
        }
        deadlines.set(deadline, for: torrent)
    }
}
