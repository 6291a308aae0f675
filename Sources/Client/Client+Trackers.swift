package import Kademlia
import Metainfo
import PeerProtocol
package import Primitives
package import Swarm
package import TrackerProtocol

/// One announce of one torrent: what a driver answers with.
package struct AnnounceID: Hashable, Sendable {
    package let torrent: TorrentHandle
    package let number: AnnounceNumber
}

/// Trackers of all torrents: orders of their schedules are turned into fetches and datagrams, and replies into peers.
extension Client {
    /// The driver has fetched what `fetch` asked for; the status and the body as they came.
    package mutating func fetched(
        _ id: AnnounceID, _ result: Result<(status: Int, body: [UInt8]), TrackerFailure>, now: Instant,
        into outbox: inout Outbox
    ) {
        let answer = result.flatMap { answer -> Result<UDPTrackerTransaction.Answer, TrackerFailure> in
            let (body, status) = (answer.body.span.bytes, answer.status)
            do throws(TrackerFailure) {
                if let schedule = trackers[id.torrent]?.schedule, schedule.isScrape(id.number) {
                    let reply = try ScrapeReply(http: body, of: [schedule.identity.infoHash], status: status)
                    return .success(.scrape(reply.files.map(\.counts)))
                }
                return .success(.announce(try AnnounceReply(http: body, status: status)))
            } catch {
                return .failure(error)
            }
        }
        answered(id, answer, now: now, into: &outbox)
        settle(now: now, into: &outbox)
    }

    /// The answer to `resolve`: the addresses of a tracker's host, or why there are none.
    package mutating func resolved(
        _ id: AnnounceID, _ result: Result<[Endpoint], TrackerFailure>, now: Instant, into outbox: inout Outbox
    ) {
        switch result {
        case .failure(let failure): answered(id, .failure(failure), now: now, into: &outbox)
        case .success(let endpoints):
            let family = trackers[id.torrent]?.waiting(id.number)?.family
            let endpoint = endpoints.first { family == nil || $0.family == family }
            beginUDP(id, at: endpoint, now: now, into: &outbox)
        }
        settle(now: now, into: &outbox)
    }

    /// A datagram that is neither KRPC nor uTP; false if it is no reply of a tracker either.
    package mutating func receivedTrackerDatagram(
        _ bytes: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
    ) -> Bool {
        guard let transaction = UDPTrackerReply.transaction(of: bytes), let id = udpAnnounces[transaction] else {
            return false
        }
        guard let output = trackers[id.torrent]?.received(bytes, from: source, at: home, id.number, now: now) else {
            return false
        }
        if udpAnnounces[transaction] == id { udpAnnounces[transaction] = nil }
        carryOut(output, of: id, now: now, into: &outbox)
        settle(now: now, into: &outbox)
        return true
    }

    /// Nothing more is to be said to any tracker.
    package var hasLeftTrackers: Bool { trackers.values.allSatisfy(\.schedule.isFinished) }

    // MARK: The life of a torrent

    mutating func addTrackers(
        of torrent: TorrentHandle, _ options: TorrentOptions, _ identity: Swarm.Identity, _ infoHash: InfoHash,
        isPrivate: Bool, into outbox: inout Outbox
    ) {
        var generator = splitGenerator()
        let list = TrackerList(tiers: options.trackers, using: &generator)
        for rejection in list.rejections {
            let name = "number \(rejection.place + 1) of the list"
            outbox.events.append(.tracker(torrent, .failed(name, rejection.error.description)))
        }
        guard !list.urls.isEmpty else { return }
        var configuration = configuration.announces
        if isPrivate { configuration.order = .strict }
        let peerID = ID160(identity.peerID.bytes.span.bytes, at: 0)
        let schedule = AnnounceSchedule(
            list: list,
            identity: AnnounceSchedule.Identity(
                infoHash: infoHash, peerID: peerID, port: options.listenPort, families: families),
            configuration: configuration, generator: generator.split())
        trackers[torrent] = TorrentTrackers(schedule: schedule, generator: generator)
    }

    /// Tells the schedule a fact, with the totals of this moment, and does what follows.
    mutating func withSchedule(
        of torrent: TorrentHandle, now: Instant, into outbox: inout Outbox,
        _ fact: (inout AnnounceSchedule, inout AnnounceSchedule.Outbox) -> Void
    ) {
        guard trackers[torrent] != nil else { return }
        noteTotals(of: torrent)
        var orders = AnnounceSchedule.Outbox()
        if let index = trackers.index(forKey: torrent) { fact(&trackers.values[index].schedule, &orders) }
        for event in orders.events { report(event, of: torrent, into: &outbox) }
        for action in orders.actions {
            switch action {
            case .announce(let order): begin(order, of: torrent, now: now, into: &outbox)
            case .cancel(let number): cancel(AnnounceID(torrent: torrent, number: number), into: &outbox)
            }
        }
        if swarms[torrent] == nil, trackers[torrent]?.schedule.isFinished == true { trackers[torrent] = nil }
        schedule(torrent)
    }

    mutating func trackersTimedOut(_ torrent: TorrentHandle, now: Instant, into outbox: inout Outbox) {
        for (number, output) in trackers[torrent]?.timedOut(now: now) ?? [] {
            carryOut(output, of: AnnounceID(torrent: torrent, number: number), now: now, into: &outbox)
        }
        withSchedule(of: torrent, now: now, into: &outbox) { $0.timedOut(now: now, into: &$1) }
    }

    private mutating func noteTotals(of torrent: TorrentHandle) {
        guard let snapshot = snapshot(of: torrent), let index = trackers.index(forKey: torrent) else { return }
        var totals = AnnounceSchedule.Totals()
        totals.uploaded = Int64(snapshot.uploadedBytes)
        totals.downloaded = Int64(snapshot.downloadedBytes)
        // Also what is not wanted: who lacks it is no seed (BEP 21).
        totals.left = snapshot.leftBytes.map { Int64($0) }
        trackers.values[index].schedule.totals = totals
        // A seed calls too: who cannot be called itself would wait for it in vain.
        trackers.values[index].schedule.wantsPeers = snapshot.peersUseful < configuration.peersEnough
    }

    // MARK: One announce

    private mutating func begin(
        _ order: AnnounceOrder, of torrent: TorrentHandle, now: Instant, into outbox: inout Outbox
    ) {
        let id = AnnounceID(torrent: torrent, number: order.number)
        if let url = order.fetchURL {
            return outbox.trackers.append(.fetch(id, url: url, family: order.family))
        }
        guard let index = trackers.index(forKey: torrent) else { return }
        trackers.values[index].wait(for: order)
        if let endpoint = order.url.endpoint {
            beginUDP(id, at: endpoint.family == order.family ? endpoint : nil, now: now, into: &outbox)
        } else {
            outbox.trackers.append(.resolve(id, host: order.url.host, port: order.url.port))
        }
    }

    /// `endpoint` is nil when the host has no address of the family that was asked for.
    private mutating func beginUDP(
        _ id: AnnounceID, at endpoint: Endpoint?, now: Instant, into outbox: inout Outbox
    ) {
        guard let endpoint, let home = node.homes.indices.first(where: { node.homes[$0].family == endpoint.family })
        else { return answered(id, .failure(.noAddress), now: now, into: &outbox) }
        // Trackers have ports that peers have not; only where they are is judged.
        guard configuration.node.networkMode == .private || endpoint.scope == .global else {
            let failure = TrackerFailure.unreachable("\(endpoint) is no address of the public internet")
            return answered(id, .failure(failure), now: now, into: &outbox)
        }
        guard let output = trackers[id.torrent]?.begin(id.number, at: endpoint, via: home, now: now) else { return }
        carryOut(output, of: id, now: now, into: &outbox)
    }

    private mutating func carryOut(
        _ output: UDPTrackerTransaction.Output, of id: AnnounceID, now: Instant, into outbox: inout Outbox
    ) {
        switch output {
        case .send(let bytes):
            guard let exchange = trackers[id.torrent]?.exchange(id.number) else { return }
            udpAnnounces[exchange.transaction.transactionID] = id
            outbox.trackers.append(.send(bytes, to: exchange.endpoint, via: exchange.home))
        case .finished(let result): answered(id, result, now: now, into: &outbox)
        }
        schedule(id.torrent)
    }

    private mutating func answered(
        _ id: AnnounceID, _ result: Result<UDPTrackerTransaction.Answer, TrackerFailure>, now: Instant,
        into outbox: inout Outbox
    ) {
        switch result {
        case .success(.announce(let reply)): announced(id, .success(reply), now: now, into: &outbox)
        case .success(.scrape(let counts)):
            // One torrent was asked for; a tracker that does not know it gives none.
            let none = TrackerFailure.refused("no counts", retry: .none)
            scraped(id, counts.first.map { .success($0) } ?? .failure(none), now, &outbox)
        case .failure(let failure):
            if trackers[id.torrent]?.schedule.isScrape(id.number) == true {
                scraped(id, .failure(failure), now, &outbox)
            } else {
                announced(id, .failure(failure), now: now, into: &outbox)
            }
        }
    }

    private mutating func scraped(
        _ id: AnnounceID, _ result: Result<SwarmCounts, TrackerFailure>, _ now: Instant, _ outbox: inout Outbox
    ) {
        forgetExchange(id)
        withSchedule(of: id.torrent, now: now, into: &outbox) { $0.scraped(id.number, result, now: now, into: &$1) }
    }

    private mutating func announced(
        _ id: AnnounceID, _ result: Result<AnnounceReply, TrackerFailure>, now: Instant, into outbox: inout Outbox
    ) {
        forgetExchange(id)
        let tracker = trackers[id.torrent]?.schedule.tracker(of: id.number)
        withSchedule(of: id.torrent, now: now, into: &outbox) { $0.announced(id.number, result, now: now, into: &$1) }
        guard case .success(let reply) = result else { return }
        let usable = reply.peers.filter { configuration.node.networkMode.accepts($0) }
        withSwarm(id.torrent, now: now, into: &outbox) {
            $0.peersFound(usable, source: .tracker, by: tracker.map(Self.namer), now: now, into: &$1)
        }
    }

    /// Stands for a tracker among those that name peers: an address of the discard prefix (RFC 6666) that no host has.
    ///
    /// Each has a /56 of its own, since trackers share nothing.
    private static func namer(_ tracker: TrackerID) -> Endpoint {
        .v6(EndpointV6(high: 0x0100_0000_0000_0000 | UInt64(tracker.rawValue) << 8, low: 1, port: 0))
    }

    private mutating func cancel(_ id: AnnounceID, into outbox: inout Outbox) {
        forgetExchange(id)
        outbox.trackers.append(.cancel(id))
    }

    private mutating func forgetExchange(_ id: AnnounceID) {
        guard let index = trackers.index(forKey: id.torrent),
            let transaction = trackers.values[index].forget(id.number)
        else { return }
        udpAnnounces[transaction] = nil
    }

    private func report(_ event: AnnounceSchedule.Event, of torrent: TorrentHandle, into outbox: inout Outbox) {
        guard let list = trackers[torrent]?.schedule.list else { return }
        let report: TrackerReport
        switch event {
        case .answered(let tracker, _, let peers, let seeders, let leechers, _):
            report = .answered(list[tracker].description, peers: peers, seeders: seeders, leechers: leechers)
        case .counted(let tracker, let counts):
            report = .scraped(list[tracker].description, seeders: counts.seeders, leechers: counts.leechers)
        case .warning(let tracker, let text): report = .warning(list[tracker].description, text)
        case .failed(let tracker, _, let failure):
            report = .failed(list[tracker].description, failure.description)
        case .stopped: return
        }
        outbox.events.append(.tracker(torrent, report))
    }

    private var families: [Endpoint.Family] {
        [.v4, .v6].filter { family in node.homes.contains { $0.family == family } }
    }
}

/// What a tracker did, for whoever watches; texts come from the network, unescaped.
package enum TrackerReport: Hashable, Sendable {
    case answered(String, peers: Int, seeders: Int?, leechers: Int?)
    case scraped(String, seeders: Int, leechers: Int)
    case warning(String, String)
    case failed(String, String)
}
