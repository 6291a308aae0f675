import DequeModule
package import Primitives

/// One torrent at its trackers: who hears what, and when.
///
/// The list is walked in rounds, one for each part of it within which a single tracker is enough (`TrackerOrder`). A
/// round starts at the top and ends at the first tracker that answers. When that one's interval is over, the next round
/// starts; when all have failed, after a pause that doubles from failure to failure.
///
/// The owner turns `.announce` into a fetch or a `UDPTrackerTransaction`, reports what came of it with `announced`,
/// passes the peers of the reply on by itself, and keeps `totals` and `wantsPeers` up to date.
package struct AnnounceSchedule: Sendable {
    /// Intervals and limits, as given.
    package let configuration: Configuration
    /// Who we are, as given.
    package let identity: Identity
    /// The trackers, in the order that their answers have made.
    package internal(set) var list: TrackerList
    /// What the next announce says of our transfers.
    package var totals = Totals()
    /// False asks trackers for no peers: there are enough, and the announce only keeps us known.
    package var wantsPeers = true
    var trackers: [TrackerState]
    var rounds: [TrackerRound]
    /// Announces under way, with what has to be known of them when they end.
    var underWay: [AnnounceNumber: UnderWay] = [:]
    /// Those of them that are slow.
    package private(set) var slowCount = 0
    /// Rounds that want to ask while too much is under way; some may have been stopped.
    var waiting: Deque<Int> = []
    var deadlines = AnnounceDeadlines()
    var generator: SeededGenerator
    /// The torrent was completed while it ran.
    private(set) var hasNews = false
    private var stage = Stage.idle
    private let key: UInt32
    private var nextNumber = 1
    /// Scrapes under way, and whom they ask.
    var scrapes: [AnnounceNumber: TrackerID] = [:]

    /// The life of a schedule.
    private enum Stage {
        /// Becomes `running`, or `finished` if it is stopped before it starts.
        case idle
        /// Becomes `stopping`.
        case running
        /// Becomes `finished` when the last tracker has answered or the time is over.
        case stopping
        case finished
    }

    struct UnderWay {
        let tracker: TrackerID
        let route: Int
        let event: AnnounceEvent
        /// It has had its time, so that others are asked meanwhile.
        var isSlow = false
    }

    /// A schedule that says nothing before `started`; `generator` is its own.
    package init(
        list: TrackerList, identity: Identity, configuration: Configuration = Configuration(),
        generator: SeededGenerator
    ) {
        var generator = generator
        self.list = list
        self.identity = identity
        self.configuration = configuration
        key = UInt32(truncatingIfNeeded: generator.next())
        self.generator = generator
        let scopes = list.scopes(of: configuration.order)
        rounds = scopes.map(TrackerRound.init)
        var roundOf = Array(repeating: 0, count: list.urls.count)
        for (round, scope) in scopes.enumerated() {
            for tracker in list.trackers(in: scope) { roundOf[tracker.rawValue] = round }
        }
        trackers = zip(list.urls, roundOf).map { url, round in
            let routes = TrackerState.routes(
                to: url, families: identity.families, splitsHTTP: configuration.splitsHTTPByFamily)
            return TrackerState(round: round, routes: routes)
        }
    }

    /// When `timedOut` is to be called; nil when nothing is waited for.
    package var nextDeadline: Instant? { deadlines.next }

    /// The tracker that an announce under way asks.
    package func tracker(of number: AnnounceNumber) -> TrackerID? { underWay[number]?.tracker }

    /// Nothing will ever be announced again.
    package var isFinished: Bool { stage == .finished }
    var isRunning: Bool { stage == .running }

    /// The first announces; later calls do nothing.
    package mutating func started(now: Instant, into outbox: inout Outbox) {
        guard stage == .idle else { return }
        stage = .running
        for round in rounds.indices { start(round: round, now: now, into: &outbox) }
    }

    /// The last piece has arrived while the torrent ran; a torrent that was complete before does not say this.
    package mutating func completed(now: Instant, into outbox: inout Outbox) {
        guard stage == .running, !hasNews else { return }
        hasNews = true
        for round in rounds.indices where isResting(round) { ask(round: round, now: now, into: &outbox) }
    }

    /// The last peer is gone: trackers are asked again as soon as their minimum interval allows.
    package mutating func starved(now: Instant) {
        guard stage == .running else { return }
        for round in rounds.indices where isResting(round) {
            guard let current = rounds[round].current?.rawValue else { continue }
            for route in trackers[current].routes.indices where trackers[current].routes[route].isWorking {
                let soon = max(now, trackers[current].routes[route].earliest)
                trackers[current].routes[route].next = min(trackers[current].routes[route].next, soon)
            }
            settle(round: round)
        }
    }

    /// Our own link was lost and is back, with another address if `isMoved`.
    ///
    /// Trackers that did not answer are asked anew at once; those that did hear of another address at once, and of the
    /// same one as soon as their minimum interval allows.
    package mutating func networkReturned(isMoved: Bool, now: Instant, into outbox: inout Outbox) {
        guard stage == .running else { return }
        for (number, announce) in underWay.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            outbox.actions.append(.cancel(number))
            forget(number)
            trackers[announce.tracker.rawValue].routes[announce.route].isWorking = false
        }
        for tracker in trackers.indices {
            for route in trackers[tracker].routes.indices {
                let state = trackers[tracker].routes[route]
                if state.isWorking {
                    let soon = isMoved ? now : max(now, state.earliest)
                    trackers[tracker].routes[route].next = min(state.next, soon)
                } else if !state.isRefused {
                    trackers[tracker].routes[route].failures = 0
                    trackers[tracker].routes[route].restsUntil = nil
                }
            }
        }
        for round in rounds.indices where !rounds[round].isWaiting {
            rounds[round].failures = 0
            continueOrRestart(round: round, now: now, into: &outbox)
        }
        releaseWaiting(now: now, into: &outbox)
    }

    /// Cancels what is under way and says goodbye to the trackers that know us, in at most `stopTimeout`.
    package mutating func stopped(now: Instant, into outbox: inout Outbox) {
        guard stage == .idle || stage == .running else { return }
        stage = .stopping
        waiting.removeAll()
        for round in rounds.indices { deadlines.set(nil, for: .round(round)) }
        cancelScrapes(into: &outbox)
        for tracker in trackers.indices {
            for route in trackers[tracker].routes.indices {
                if let number = trackers[tracker].routes[route].announce {
                    forget(number)
                    outbox.actions.append(.cancel(number))
                }
                guard trackers[tracker].routes[route].hasHeardStarted else { continue }
                announce(.stopped, to: TrackerID(rawValue: tracker), route: route, now: now, into: &outbox)
            }
        }
        finishIfQuiet(into: &outbox)
    }

    /// Does what is due; a late or repeated call does no harm.
    package mutating func timedOut(now: Instant, into outbox: inout Outbox) {
        while let subject = deadlines.due(now: now) {
            switch subject {
            case .round(let round):
                continueOrRestart(round: round, now: now, into: &outbox)
            case .announce(let number):
                outbox.actions.append(.cancel(number))
                if isScrape(number) {
                    scraped(number, .failure(.timedOut), now: now, into: &outbox)
                } else {
                    announced(number, .failure(.timedOut), now: now, into: &outbox)
                }
            case .slow(let number):
                isSlow(number, now: now, into: &outbox)
            case .scrape(let tracker):
                scrape(TrackerID(rawValue: tracker), now: now, into: &outbox)
            }
        }
    }

    mutating func announce(
        _ event: AnnounceEvent, to tracker: TrackerID, route: Int, now: Instant, into outbox: inout Outbox
    ) {
        let number = newNumber()
        underWay[number] = UnderWay(tracker: tracker, route: route, event: event)
        trackers[tracker.rawValue].routes[route].announce = number
        let timeout = event == .stopped ? configuration.stopTimeout : configuration.announceTimeout
        deadlines.set(now + timeout, for: .announce(number))
        if event != .stopped, trackers.count > 1 { deadlines.set(now + configuration.slowTime, for: .slow(number)) }
        var request = AnnounceRequest(infoHash: identity.infoHash, peerID: identity.peerID, port: identity.port)
        request.uploaded = totals.uploaded
        request.downloaded = totals.downloaded
        request.left = totals.left ?? AnnounceRequest.leftBeforeMetadata
        request.event = event
        request.key = key
        request.peersWanted = wantsPeers && event != .stopped ? configuration.peersWanted : 0
        request.trackerID = trackers[tracker.rawValue].trackerID
        outbox.actions.append(
            .announce(
                AnnounceOrder(
                    number: number, tracker: tracker, url: list[tracker],
                    family: trackers[tracker.rawValue].routes[route].family, request: request)))
    }

    mutating func newNumber() -> AnnounceNumber {
        defer { nextNumber += 1 }
        return AnnounceNumber(rawValue: nextNumber)
    }

    /// The announce is over, whatever came of it.
    @discardableResult
    mutating func forget(_ number: AnnounceNumber) -> UnderWay? {
        guard let announce = underWay.removeValue(forKey: number) else { return nil }
        trackers[announce.tracker.rawValue].routes[announce.route].announce = nil
        deadlines.set(nil, for: .announce(number))
        deadlines.set(nil, for: .slow(number))
        if announce.isSlow { slowCount -= 1 }
        return announce
    }

    /// Whether one more announce may begin.
    var hasRoom: Bool { underWay.count - slowCount < configuration.announcesMax }

    /// The tracker has not answered in a time in which others do.
    private mutating func isSlow(_ number: AnnounceNumber, now: Instant, into outbox: inout Outbox) {
        guard isRunning, let announce = underWay[number] else { return }
        underWay[number]?.isSlow = true
        slowCount += 1
        let round = trackers[announce.tracker.rawValue].round
        let others = trackers[announce.tracker.rawValue].routes.compactMap(\.announce)
        let isAlone = others.allSatisfy { underWay[$0]?.isSlow == true }
        if rounds[round].current == announce.tracker, isAlone, rounds[round].hasNext {
            rounds[round].position += 1
            ask(round: round, now: now, into: &outbox)
        }
        releaseWaiting(now: now, into: &outbox)
    }

    mutating func finishIfQuiet(into outbox: inout Outbox) {
        guard stage == .stopping, underWay.isEmpty else { return }
        stage = .finished
        outbox.events.append(.stopped)
    }
}
