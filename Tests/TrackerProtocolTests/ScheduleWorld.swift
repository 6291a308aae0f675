import Primitives
import TrackerProtocol

/// A schedule, a clock, and trackers that do what the test says.
struct ScheduleWorld {
    private(set) var schedule: AnnounceSchedule
    private(set) var now = Instant.origin
    private var outbox = AnnounceSchedule.Outbox()
    private(set) var events: [AnnounceSchedule.Event] = []
    /// What was asked for and not taken yet, in order.
    private var actions: [AnnounceSchedule.Action] = []
    /// Announces without a result, in order.
    private(set) var open: [AnnounceOrder] = []
    /// What no tracker should ever see, checked with every announce.
    private(set) var violations: [String] = []
    /// The last answer of each tracker, and what it has heard.
    private var answeredAt: [String: Instant] = [:]
    private var heard: [String: Set<AnnounceEvent>] = [:]

    /// Trackers are named by one letter: `a` is `http://a/`, and `A` is `udp://a:1`.
    init(
        _ tiers: [String], _ order: TrackerOrder = .everyTier, families: [Endpoint.Family] = [.v4], seed: UInt64 = 1,
        _ change: (inout AnnounceSchedule.Configuration) -> Void = { _ in }
    ) {
        let urls = tiers.map { tier in tier.map { $0.isUppercase ? "udp://\($0.lowercased()):1" : "http://\($0)/" } }
        self.init(urls: urls, order, families: families, seed: seed, change)
    }

    init(
        urls: [[String]], _ order: TrackerOrder = .everyTier, families: [Endpoint.Family] = [.v4], seed: UInt64 = 1,
        _ change: (inout AnnounceSchedule.Configuration) -> Void = { _ in }
    ) {
        var generator = SeededGenerator(number: seed)
        let list = TrackerList(tiers: urls, using: &generator)
        var configuration = AnnounceSchedule.Configuration()
        configuration.order = order
        configuration.countsInterval = nil
        change(&configuration)
        let identity = AnnounceSchedule.Identity(infoHash: torrentHash, peerID: ourID, port: 6881, families: families)
        schedule = AnnounceSchedule(
            list: list, identity: identity, configuration: configuration, generator: generator.split())
    }

    var seconds: Int64 { (now - .origin).components.seconds }

    /// Seconds from now to the next deadline.
    var wait: Int64? { schedule.nextDeadline.map { ($0 - now).components.seconds } }

    mutating func set(_ change: (inout AnnounceSchedule) -> Void) { change(&schedule) }

    mutating func started() {
        schedule.started(now: now, into: &outbox)
        drain()
    }

    mutating func completed() {
        schedule.completed(now: now, into: &outbox)
        drain()
    }

    mutating func networkReturned(isMoved: Bool) {
        schedule.networkReturned(isMoved: isMoved, now: now, into: &outbox)
        drain()
    }

    mutating func starved() { schedule.starved(now: now) }

    mutating func stopped() {
        schedule.stopped(now: now, into: &outbox)
        drain()
    }

    /// To the next deadline, and what it brings.
    mutating func sleep() {
        guard let deadline = schedule.nextDeadline else { return }
        now = max(now, deadline)
        schedule.timedOut(now: now, into: &outbox)
        drain()
    }

    /// Past all deadlines within.
    mutating func sleep(_ duration: Duration) {
        let end = now + duration
        while let deadline = schedule.nextDeadline, deadline <= end { sleep() }
        now = end
    }

    /// Announces and cancellations since last asked, such as `a:started`, `a4:none` (a family), `-a`.
    mutating func said() -> [String] {
        defer { actions = [] }
        return actions.map { action in
            switch action {
            case .announce(let order): "\(name(order)):\(order.isScrape ? "scrape" : "\(order.request.event)")"
            case .cancel(let number): "-\(number.rawValue)"
            }
        }
    }

    /// Like `said`, for the requests themselves.
    mutating func requests() -> [AnnounceRequest] {
        defer { actions = [] }
        return actions.compactMap { action in
            if case .announce(let order) = action { return order.request }
            return nil
        }
    }

    mutating func takeEvents() -> [AnnounceSchedule.Event] {
        defer { events = [] }
        return events
    }

    /// The oldest open announce of the tracker `name` is answered.
    mutating func answer(_ name: String, _ change: (inout AnnounceReply) -> Void = { _ in }) {
        var reply = AnnounceReply()
        reply.interval = .seconds(1800)
        // A UDP tracker always says them.
        if open.first(where: { self.name($0) == name })?.url.scheme == .udp { (reply.seeders, reply.leechers) = (0, 1) }
        change(&reply)
        report(name, .success(reply))
    }

    mutating func fail(_ name: String, _ failure: TrackerFailure = .timedOut) {
        report(name, .failure(failure))
    }

    /// The oldest open scrape is answered.
    mutating func count(_ name: String, _ counts: SwarmCounts) {
        guard let index = open.firstIndex(where: { self.name($0) == name && $0.isScrape }) else { return }
        schedule.scraped(open.remove(at: index).number, .success(counts), now: now, into: &outbox)
        drain()
    }

    mutating func report(_ name: String, _ result: Result<AnnounceReply, TrackerFailure>) {
        guard let index = open.firstIndex(where: { self.name($0) == name }) else { return }
        let order = open.remove(at: index)
        if order.isScrape, case .failure(let failure) = result {
            schedule.scraped(order.number, .failure(failure), now: now, into: &outbox)
            return drain()
        }
        answeredAt[name] = nil
        if case .success = result {
            answeredAt[name] = now
            heard[name, default: []].insert(order.request.event)
        }
        schedule.announced(order.number, result, now: now, into: &outbox)
        drain()
    }

    private func name(_ order: AnnounceOrder) -> String {
        switch order.family {
        case .v4?: "\(order.url.host)4"
        case .v6?: "\(order.url.host)6"
        case nil: order.url.host
        }
    }

    /// Events once each, regular announces a minute apart, one announce at a time.
    private mutating func check(_ order: AnnounceOrder) {
        if order.isScrape { return }
        let name = name(order)
        let event = order.request.event
        let heard = heard[name] ?? []
        if open.contains(where: { self.name($0) == name }) { violations.append("\(name) is asked twice at once") }
        if heard.contains(event), event != .none { violations.append("\(name) hears \(event) again") }
        if !heard.contains(.started), event != .started { violations.append("\(name) hears \(event) first") }
        if event == .none, let at = answeredAt[name], now - at < .seconds(60) {
            violations.append("\(name) is asked again too early")
        }
    }

    private mutating func drain() {
        actions += outbox.actions
        events += outbox.events
        for action in outbox.actions {
            switch action {
            case .announce(let order):
                check(order)
                open.append(order)
            case .cancel(let number): open.removeAll { $0.number == number }
            }
        }
        outbox.clear()
    }
}
