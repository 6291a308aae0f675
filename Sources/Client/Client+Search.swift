import Kademlia
import Metainfo
import PeerProtocol
import Primitives
import Swarm
import TrackerProtocol

/// Peers from the DHT: lookups for each torrent, and what comes of them.
extension Client {
    mutating func continueSearch(of torrent: TorrentHandle, now: Instant, into outbox: inout Outbox) {
        guard let index = swarms.index(forKey: torrent) else { return }
        let hasPeers = swarms.values[index].swarm.isReceiving
        if swarms.values[index].swarm.stage != .failed,
            swarms.values[index].search?.start(hasPeers: hasPeers, now: now) == true
        {
            let (options, swarm) = (swarms.values[index].options, swarms.values[index].swarm)
            let announce = LookupPurpose.announce(port: options.listenPort, isSeed: swarm.snapshot.leftBytes == 0)
            node.command(
                .lookup(
                    lookup(of: swarms.values[index].range), target: swarm.infoHash,
                    options.announces ? announce : .getPeers),
                now: now, into: &outbox.dht)
            outbox.events.append(.torrent(torrent, .lookupStarted))
        }
        schedule(torrent)
    }

    /// Lookups that the owner starts by a `dht` command are numbered from here on.
    package static let firstLookupOfOwners: UInt64 = 1 << 62

    /// A torrent has one lookup at a time, named after its range of handles.
    func lookup(of range: Int) -> LookupID { LookupID(UInt64(range)) }

    private func torrent(of lookup: LookupID) -> TorrentHandle? {
        Int(exactly: lookup.rawValue).flatMap { torrentsByRange[$0] }
    }

    /// Passes on what the parts have to say to each other, until no part has anything left.
    mutating func settle(now: Instant, into outbox: inout Outbox) {
        for peer in outbox.swarm.lost { adopted[peer] = nil }
        outbox.swarm.lost.removeAll(keepingCapacity: true)
        for wait in outbox.swarm.waits { throttles[wait.direction]?.wait(wait.torrent) }
        outbox.swarm.waits.removeAll(keepingCapacity: true)
        while !outbox.dht.events.isEmpty || !outbox.swarm.contacts.isEmpty || !outbox.swarm.events.isEmpty
            || !outbox.swarm.exchanged.isEmpty
        {
            takeExchanged(now: now, into: &outbox)
            for contact in outbox.swarm.contacts { node.command(.contact(contact), now: now, into: &outbox.dht) }
            outbox.swarm.contacts.removeAll(keepingCapacity: true)
            let events = outbox.dht.events
            outbox.dht.events.removeAll(keepingCapacity: true)
            for event in events { handle(event, now: now, into: &outbox) }
            let notices = outbox.swarm.events
            outbox.swarm.events.removeAll(keepingCapacity: true)
            for notice in notices {
                outbox.events.append(.torrent(notice.torrent, notice.event))
                follow(notice, now: now, into: &outbox)
            }
        }
    }

    /// Peers named by peers are called only where the DHT's would be.
    private mutating func takeExchanged(now: Instant, into outbox: inout Outbox) {
        let exchanges = outbox.swarm.exchanged
        outbox.swarm.exchanged.removeAll(keepingCapacity: true)
        for exchange in exchanges {
            let usable = exchange.peers.filter { configuration.node.networkMode.accepts($0.endpoint) }
            withSwarm(exchange.torrent, now: now, into: &outbox) {
                $0.peersExchanged(usable, by: exchange.namer, now: now, into: &$1)
            }
        }
    }

    /// What an event of a torrent means for the search of its peers.
    private mutating func follow(_ notice: TorrentNotice, now: Instant, into outbox: inout Outbox) {
        let torrent = notice.torrent
        switch notice.event {
        case .peerLost(_, let loss) where loss != .unreachable && loss != .timedOut:
            hurrySearchIfStarving(torrent, now: now)
        case .storageFailed, .metadataUnusable, .nothingSelected:
            stopSearch(of: torrent, now: now, into: &outbox)
            withSchedule(of: torrent, now: now, into: &outbox) { $0.stopped(now: now, into: &$1) }
        // From now on its trackers alone are asked (BEP 27).
        case .metadata(let info) where info.isPrivate: stopSearch(of: torrent, now: now, into: &outbox)
        case .storageOpened(let pieces):
            guard let index = swarms.index(forKey: torrent) else { return }
            swarms.values[index].wasIncomplete = pieces < (swarms.values[index].swarm.info?.pieceCount ?? 0)
            withSchedule(of: torrent, now: now, into: &outbox) { $0.started(now: now, into: &$1) }
        case .completed where swarms[torrent]?.wasIncomplete == true && snapshot(of: torrent)?.leftBytes == 0:
            withSchedule(of: torrent, now: now, into: &outbox) { $0.completed(now: now, into: &$1) }
        default: break
        }
    }

    /// Neither the DHT nor the neighbours are asked or told any more.
    private mutating func stopSearch(of torrent: TorrentHandle, now: Instant, into outbox: inout Outbox) {
        local?.remove(torrent)
        guard let index = swarms.index(forKey: torrent), swarms.values[index].search != nil else { return }
        swarms.values[index].search = nil
        node.command(.cancel(lookup(of: swarms.values[index].range)), now: now, into: &outbox.dht)
        schedule(torrent)
    }

    /// Called at each tick: peers that are connected and give nothing do not count.
    mutating func hurrySearchIfDry(_ torrent: TorrentHandle, now: Instant) {
        guard let index = swarms.index(forKey: torrent) else { return }
        let isReceiving = swarms.values[index].swarm.isReceiving
        defer { swarms.values[index].wasReceiving = isReceiving }
        guard swarms.values[index].wasReceiving, !isReceiving, swarms.values[index].swarm.stage != .complete else {
            return
        }
        hurrySearch(of: torrent, now: now)
    }

    private mutating func hurrySearchIfStarving(_ torrent: TorrentHandle, now: Instant) {
        guard let index = swarms.index(forKey: torrent), swarms.values[index].swarm.stage != .complete,
            !swarms.values[index].swarm.hasOpenPeers
        else { return }
        hurrySearch(of: torrent, now: now)
    }

    private mutating func hurrySearch(of torrent: TorrentHandle, now: Instant) {
        guard let index = swarms.index(forKey: torrent) else { return }
        swarms.values[index].search?.starved(now: now)
        local?.starved(torrent, now: now)
        if let tracked = trackers.index(forKey: torrent) { trackers.values[tracked].schedule.starved(now: now) }
        schedule(torrent)
    }

    private mutating func handle(_ event: Kademlia.Event, now: Instant, into outbox: inout Outbox) {
        outbox.events.append(.dht(event))
        switch event {
        case .peersFound(let lookup, let endpoints, let node):
            guard let torrent = torrent(of: lookup) else { return }
            withSwarm(torrent, now: now, into: &outbox) {
                $0.peersFound(endpoints, source: .dht, by: node, now: now, into: &$1)
            }
        case .externalAddressKnown(_, let endpoint):
            for torrent in torrents {
                withSwarm(torrent, now: now, into: &outbox) { swarm, _ in swarm.weAre(endpoint) }
            }
        case .lookupFinished(let lookup, let report):
            guard let torrent = torrent(of: lookup), let index = swarms.index(forKey: torrent) else { return }
            if report.announcedTo > 0 { outbox.events.append(.torrent(torrent, .announced(nodes: report.announcedTo))) }
            let outcome = outcome(of: report, for: swarms.values[index])
            swarms.values[index].search?.finished(outcome, now: now)
            schedule(torrent)
        default: break
        }
    }

    /// A seed is satisfied when it is announced; a downloader when some peer has given it something lately: peers that
    /// only are connected, or let it download and give nothing, are not what it looks for.
    private func outcome(of report: LookupReport, for managed: Managed) -> PeerSearch.Outcome {
        let snapshot = managed.swarm.snapshot
        let (announces, nodes) = (managed.options.announces, report.announcedTo)
        guard !announces || nodes > 0 else { return .unsatisfied }
        guard snapshot.stage == .complete || managed.swarm.isReceiving else { return .lacksPeers }
        return announces && nodes < configuration.node.bucketSize / 2 ? .announcedToFew : .satisfied
    }
}
