import Primitives

/// What one torrent knows of one tracker.
struct TrackerState {
    /// Which of the schedule's rounds asks it.
    let round: Int
    /// One for each address family that it is told of, or one for whichever; empty if none can reach it.
    var routes: [Route]
    /// What an HTTP tracker wants to hear again (BEP 3).
    var trackerID: [UInt8]?
    /// Scrapes in a row that brought nothing.
    var scrapeFailures = 0

    /// Somebody there has heard of us lately, at one of our addresses at least.
    var isWorking: Bool { routes.contains(where: \.isWorking) }
    var isBusy: Bool { routes.contains { $0.announce != nil } }

    /// When the next announce is due, provided that the tracker works.
    ///
    /// A route with an announce under way has none: what is due next follows from the answer.
    var nextAnnounce: Instant? {
        routes.lazy.filter { $0.announce == nil }
            .compactMap { $0.isWorking ? $0.next : $0.isGivenUp ? nil : $0.restsUntil }.min()
    }

    /// A tracker as one of our addresses sees it.
    struct Route {
        let family: Endpoint.Family?
        /// The announce under way.
        var announce: AnnounceNumber?
        /// The last announce was answered.
        var isWorking = false
        /// Said `never` (BEP 31).
        var isGivenUp = false
        var hasHeardStarted = false
        var hasHeardCompleted = false
        /// In a row.
        var failures = 0
        /// Not to be asked before, after a failure.
        var restsUntil: Instant?
        /// The tracker itself said that it does not want to be asked before.
        var isRefused = false
        /// When the interval is over.
        var next = Instant.origin
        /// When the minimum interval is over.
        var earliest = Instant.origin

        init(family: Endpoint.Family?) {
            self.family = family
        }

        /// `hasNews`: the torrent is complete, which every tracker hears once, as soon as it is there.
        func isDue(hasNews: Bool, now: Instant) -> Bool {
            guard announce == nil, !isGivenUp, restsUntil.map({ $0 <= now }) ?? true else { return false }
            return !isWorking || next <= now || (hasNews && !hasHeardCompleted)
        }

        func event(hasNews: Bool) -> AnnounceEvent {
            if !hasHeardStarted { return .started }
            return hasNews && !hasHeardCompleted ? .completed : .none
        }
    }

    /// The routes to `url` from hosts with addresses of `families`; an address as host leaves only its own family.
    static func routes(to url: TrackerURL, families: [Endpoint.Family], splitsHTTP: Bool) -> [Route] {
        guard url.scheme == .udp || splitsHTTP else { return [Route(family: nil)] }
        let only = url.endpoint?.family
        return families.filter { only == nil || only == $0 }.map { Route(family: $0) }
    }
}

/// One walk over trackers of which one is enough: from the top, until one of them answers.
struct TrackerRound {
    let scope: TrackerList.Scope
    /// As the list was when the walk began.
    var order: [TrackerID] = []
    var position = 0
    /// Somebody was asked in this walk.
    var hasAsked = false
    /// Walks in a row in which nobody answered.
    var failures = 0
    /// In the queue for a free announce.
    var isWaiting = false

    init(scope: TrackerList.Scope) {
        self.scope = scope
    }

    /// The tracker that is asked, or that answered last; nil when all have failed.
    var current: TrackerID? { position < order.count ? order[position] : nil }
    /// There is one to ask after it.
    var hasNext: Bool { position + 1 < order.count }
}
