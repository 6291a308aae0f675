package import Primitives

/// What came of an announce.
extension AnnounceSchedule {
    /// Reports a result; of an announce that was cancelled or is over, it is ignored.
    package mutating func announced(
        _ number: AnnounceNumber, _ result: Result<AnnounceReply, TrackerFailure>, now: Instant,
        into outbox: inout Outbox
    ) {
        guard let announce = forget(number) else { return }
        guard isRunning else { return finishIfQuiet(into: &outbox) }
        switch result {
        case .success(let reply): take(reply, of: announce, now: now, into: &outbox)
        case .failure(let failure): take(failure, of: announce, now: now, into: &outbox)
        }
        goOn(with: announce.tracker, now: now, into: &outbox)
        releaseWaiting(now: now, into: &outbox)
    }

    private mutating func take(
        _ reply: AnnounceReply, of announce: UnderWay, now: Instant, into outbox: inout Outbox
    ) {
        let tracker = announce.tracker
        let interval = clamped(max(reply.interval ?? configuration.intervalDefault, reply.minInterval ?? .zero))
        let earlyInterval = clamped(reply.minInterval ?? configuration.earlyIntervalDefault)
        var route = trackers[tracker.rawValue].routes[announce.route]
        route.isWorking = true
        route.failures = 0
        route.restsUntil = nil
        route.next = now + interval
        route.earliest = now + min(earlyInterval, interval)
        if announce.event == .started { route.hasHeardStarted = true }
        if announce.event == .completed { route.hasHeardCompleted = true }
        trackers[tracker.rawValue].routes[announce.route] = route
        if let trackerID = reply.trackerID { trackers[tracker.rawValue].trackerID = trackerID }
        rounds[trackers[tracker.rawValue].round].failures = 0
        list.answered(tracker)
        outbox.events.append(
            .answered(
                tracker, route.family, peers: reply.peers.count, seeders: reply.seeders, leechers: reply.leechers,
                next: route.next))
        scrapeLater(tracker, after: reply, now: now)
        if let warning = reply.warning { outbox.events.append(.warning(tracker, warning)) }
    }

    private mutating func take(
        _ failure: TrackerFailure, of announce: UnderWay, now: Instant, into outbox: inout Outbox
    ) {
        let tracker = announce.tracker.rawValue
        trackers[tracker].routes[announce.route].isWorking = false
        trackers[tracker].routes[announce.route].failures += 1
        trackers[tracker].routes[announce.route].isRefused = false
        switch failure {
        case .refused(_, retry: .never):
            trackers[tracker].routes[announce.route].isGivenUp = true
        case .refused(_, retry: .after(let pause)):
            trackers[tracker].routes[announce.route].restsUntil = now + clamped(pause)
            trackers[tracker].routes[announce.route].isRefused = true
        case .noAddress:
            // Hosts do not get an address of another family within minutes.
            trackers[tracker].routes[announce.route].restsUntil = now + configuration.retryMax
            // Nor is it anybody's trouble while the other family works.
            if trackers[tracker].isBusy || trackers[tracker].isWorking { return }
        default: break
        }
        let family = trackers[tracker].routes[announce.route].family
        outbox.events.append(.failed(announce.tracker, family, failure))
    }

    /// When all that was under way to a tracker is over: waits for its interval, or asks the next one.
    private mutating func goOn(with tracker: TrackerID, now: Instant, into outbox: inout Outbox) {
        let state = trackers[tracker.rawValue]
        guard !state.isBusy, rounds[state.round].current == tracker, !rounds[state.round].isWaiting else { return }
        if state.isWorking {
            restUnreachableRoutes(of: tracker, now: now)
        } else {
            rounds[state.round].position += 1
        }
        ask(round: state.round, now: now, into: &outbox)
    }

    /// Addresses from which a working tracker cannot be reached try again there by themselves.
    private mutating func restUnreachableRoutes(of tracker: TrackerID, now: Instant) {
        for route in trackers[tracker.rawValue].routes.indices {
            let state = trackers[tracker.rawValue].routes[route]
            guard !state.isWorking, state.restsUntil.map({ $0 <= now }) ?? true else { continue }
            trackers[tracker.rawValue].routes[route].restsUntil = now + retryDelay(failures: state.failures)
        }
    }

    private func clamped(_ interval: Duration) -> Duration {
        min(max(interval, configuration.intervalMin), configuration.intervalMax)
    }
}
