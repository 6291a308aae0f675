import DequeModule
import Primitives

/// Whom to ask next.
extension AnnounceSchedule {
    mutating func start(round index: Int, now: Instant, into outbox: inout Outbox) {
        rounds[index].order = list.trackers(in: rounds[index].scope)
        rounds[index].position = 0
        rounds[index].hasAsked = false
        ask(round: index, now: now, into: &outbox)
    }

    /// The time has come for something at the tracker that answered last, or for a new round.
    mutating func continueOrRestart(round index: Int, now: Instant, into outbox: inout Outbox) {
        if let current = rounds[index].current?.rawValue, trackers[current].isWorking,
            // An address that cannot reach a working tracker is tried again there, and no reason to ask others.
            !trackers[current].routes.contains(where: { $0.isWorking && $0.next <= now })
        {
            return ask(round: index, now: now, into: &outbox)
        }
        start(round: index, now: now, into: &outbox)
    }

    /// Asks the current tracker, or the next one that may be asked.
    mutating func ask(round index: Int, now: Instant, into outbox: inout Outbox) {
        guard hasRoom else {
            if !rounds[index].isWaiting { waiting.append(index) }
            rounds[index].isWaiting = true
            return
        }
        while let current = rounds[index].current {
            if announceWhatIsDue(to: current, now: now, into: &outbox) {
                rounds[index].hasAsked = true
                deadlines.set(nil, for: .round(index))
                return
            }
            if trackers[current.rawValue].isWorking { return settle(round: index) }
            rounds[index].position += 1
        }
        pause(round: index, now: now)
    }

    /// Waits for the next thing due at the tracker that answered.
    mutating func settle(round index: Int) {
        guard let current = rounds[index].current else { return }
        deadlines.set(trackers[current.rawValue].nextAnnounce, for: .round(index))
    }

    /// Nothing is under way or waiting to be.
    func isResting(_ index: Int) -> Bool {
        guard let current = rounds[index].current?.rawValue else { return false }
        return !rounds[index].isWaiting && !trackers[current].isBusy && trackers[current].isWorking
    }

    /// Lets rounds go on that were waiting for a free announce.
    mutating func releaseWaiting(now: Instant, into outbox: inout Outbox) {
        while hasRoom, let index = waiting.popFirst() {
            rounds[index].isWaiting = false
            ask(round: index, now: now, into: &outbox)
        }
    }

    private mutating func announceWhatIsDue(
        to tracker: TrackerID, now: Instant, into outbox: inout Outbox
    ) -> Bool {
        var any = false
        for route in trackers[tracker.rawValue].routes.indices {
            let state = trackers[tracker.rawValue].routes[route]
            guard state.isDue(hasNews: hasNews, now: now) else { continue }
            announce(state.event(hasNews: hasNews), to: tracker, route: route, now: now, into: &outbox)
            any = true
        }
        return any
    }

    /// All have failed or may not be asked yet: waits for ever if none of them ever may.
    private mutating func pause(round index: Int, now: Instant) {
        if rounds[index].hasAsked { rounds[index].failures += 1 }
        let usable = rounds[index].order.flatMap { trackers[$0.rawValue].routes.filter { !$0.isGivenUp } }
        let allowed = usable.map { $0.restsUntil ?? now }.min()
        guard let allowed else { return deadlines.set(nil, for: .round(index)) }
        deadlines.set(max(allowed, now + retryDelay(failures: rounds[index].failures)), for: .round(index))
    }

    /// Doubles from failure to failure; spread, so that the clients of a tracker that was down do not come back as one.
    mutating func retryDelay(failures: Int) -> Duration {
        var delay = configuration.retryMin
        for _ in 1..<max(failures, 1) where delay < configuration.retryMax { delay *= 2 }
        let quarter = min(delay, configuration.retryMax).wholeNanoseconds / 4
        return .nanoseconds(4 * quarter + Int64.random(in: -quarter...quarter, using: &generator))
    }
}
