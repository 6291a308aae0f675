package import Primitives

/// Counts of the swarm between announces, or where an announce gave none (BEP 48): a scrape costs a tracker less, and
/// no peers come with it.
extension AnnounceSchedule {
    /// A tracker that cannot say is left alone.
    static let scrapeFailuresMax = 2

    /// Whether this number is that of a scrape, whose result goes to `scraped`.
    package func isScrape(_ number: AnnounceNumber) -> Bool { scrapes[number] != nil }

    /// Reports the counts; of a scrape that was cancelled or is over, they are ignored.
    package mutating func scraped(
        _ number: AnnounceNumber, _ result: Result<SwarmCounts, TrackerFailure>, now: Instant,
        into outbox: inout Outbox
    ) {
        guard let tracker = scrapes.removeValue(forKey: number) else { return }
        deadlines.set(nil, for: .announce(number))
        switch result {
        case .success(let counts):
            trackers[tracker.rawValue].scrapeFailures = 0
            outbox.events.append(.counted(tracker, counts))
        case .failure: trackers[tracker.rawValue].scrapeFailures += 1
        }
        scrapeLater(tracker, at: configuration.countsInterval.map { now + $0 })
    }

    /// `reply` was that of an announce: its counts do for a while, if it had any.
    mutating func scrapeLater(_ tracker: TrackerID, after reply: AnnounceReply, now: Instant) {
        let hasCounts = reply.seeders != nil && reply.leechers != nil
        scrapeLater(tracker, at: hasCounts ? configuration.countsInterval.map { now + $0 } : now)
    }

    /// The time has come, though perhaps no request is free; an announce that is due anyhow brings the counts itself.
    mutating func scrape(_ tracker: TrackerID, now: Instant, into outbox: inout Outbox) {
        let state = trackers[tracker.rawValue]
        guard isRunning, let route = state.routes.first(where: \.isWorking) else { return }
        guard !state.isBusy, scrapes.count < configuration.announcesMax else {
            return deadlines.set(now + configuration.retryMin, for: .scrape(tracker.rawValue))
        }
        let number = newNumber()
        scrapes[number] = tracker
        deadlines.set(now + configuration.announceTimeout, for: .announce(number))
        var order = AnnounceOrder(
            number: number, tracker: tracker, url: list[tracker], family: route.family,
            request: AnnounceRequest(infoHash: identity.infoHash, peerID: identity.peerID, port: identity.port))
        order.isScrape = true
        outbox.actions.append(.announce(order))
    }

    mutating func cancelScrapes(into outbox: inout Outbox) {
        for number in scrapes.keys.sorted() {
            deadlines.set(nil, for: .announce(number))
            outbox.actions.append(.cancel(number))
        }
        scrapes.removeAll()
        for tracker in trackers.indices { deadlines.set(nil, for: .scrape(tracker)) }
    }

    private mutating func scrapeLater(_ tracker: TrackerID, at time: Instant?) {
        let state = trackers[tracker.rawValue]
        let url = list[tracker]
        let knowsScrapes = url.scheme == .udp || HTTPTracker.scrapeURL(url, [identity.infoHash]) != nil
        guard let time, knowsScrapes, state.scrapeFailures < Self.scrapeFailuresMax,
            time < state.nextAnnounce ?? .origin
        else { return deadlines.set(nil, for: .scrape(tracker.rawValue)) }
        deadlines.set(time, for: .scrape(tracker.rawValue))
    }
}
