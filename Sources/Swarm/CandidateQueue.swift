import DequeModule
import HeapModule
package import PeerProtocol
package import Primitives

/// The endpoints a torrent has heard of: which to try next, which to leave alone.
///
/// `CandidateOrder` says which comes first; failed ones come back after a delay that doubles. The list is bounded:
/// when it is full, endpoints that were given up go first, then the source that holds most gives way, in it the namer
/// that named most, and of its endpoints the oldest (`CandidateQueue+Room`).
package struct CandidateQueue {
    let configuration: Swarm.Configuration
    var records: [Endpoint: Record] = [:]
    private var order = CandidateOrder()
    /// Waiting for a later time, the earliest first; some entries no longer count.
    private var waiting: Heap<Retry> = []
    /// The endpoints of each source that may give way: neither busy nor given up.
    var holders = Array(repeating: HolderTable<Endpoint>(), count: CandidateOrder.Turn.allCases.count)
    /// Endpoints that were given up, the oldest first; some entries no longer count.
    var givenUp: Deque<(endpoint: Endpoint, number: Int)> = []
    private var nextNumber = 0
    /// Endpoints refused because the queue was full of others of their own source.
    package internal(set) var refusedCount = 0
    /// Endpoints that gave way to those of other sources.
    package internal(set) var displacedCount = 0
    package private(set) var bannedCount = 0
    /// Only what the user and the trackers name is taken (BEP 27).
    var isPrivate = false
    /// Endpoints that were not tried yet and may be called at once.
    package private(set) var freshCount = 0
    /// Hosts (a /64 of IPv6), with port 0, and endpoints that gave bad data.
    private var liars: BanList
    /// Endpoints that answered with our own peer id: never their hosts, which others may share.
    private var echoes: BanList
    private var hosts = HostRecords()
    /// Where others see us, in each family.
    private var ourselves: [Endpoint.Family: Endpoint] = [:]

    struct Record {
        /// The source that named it, and which of that kind.
        var source: CandidateOrder.Turn
        var namer: Endpoint?
        var failures = 0
        /// Being tried or connected.
        var isBusy = false
        /// Of its entry among those that wait; nil when it waits for nothing.
        var number: Int?
        /// Counted in `freshCount`.
        var isFresh = false
        /// How it is called: its place among the openings of our policy.
        var opening = 0
        /// What was said of it, true or not.
        var flags: PeerExchangeMessage.Flags = []
        /// We have seen it with nothing left to want.
        var wasSeed = false
        /// We had a handshake with it.
        var hasAnswered = false
        /// Of its entry among those given up.
        var givenUpNumber: Int?

        /// Whose share it counts for.
        var shelf: CandidateOrder.Turn { hasAnswered ? .answered : source }
    }

    private struct Retry: Comparable {
        let at: Instant
        let number: Int
        let endpoint: Endpoint

        static func < (left: Retry, right: Retry) -> Bool { (left.at, left.number) < (right.at, right.number) }
    }

    package init(configuration: Swarm.Configuration) {
        self.configuration = configuration
        liars = BanList(time: configuration.banTime, countMax: configuration.bansMax)
        echoes = BanList(time: configuration.banTime, countMax: configuration.bansMax)
    }

    package var knownCount: Int { records.count }
    package var hasFresh: Bool { freshCount > 0 }
    /// Whether one may be called at once.
    func isWaited(now: Instant) -> Bool { order.count > 0 || waiting.min.map { $0.at <= now } ?? false }
    package var nextRetry: Instant? { waiting.min?.at }

    // MARK: Refused endpoints

    /// Whether the endpoint is refused: it or its host gave bad data lately, or it is ourselves.
    package func isBanned(_ endpoint: Endpoint, now: Instant) -> Bool {
        liars.contains(endpoint, now: now) || liars.contains(endpoint.subnet, now: now)
            || echoes.contains(endpoint, now: now)
    }

    /// The endpoint gave bad data: it is refused for a time, and its host too where hosts have addresses of their own.
    package mutating func ban(_ endpoint: Endpoint, now: Instant) {
        if !isBanned(endpoint, now: now) { bannedCount += 1 }
        liars.insert(configuration.bansHosts ? endpoint.subnet : endpoint, now: now)
        giveUp(endpoint)
    }

    /// The endpoint answered with our own peer id, so it is left alone for a time.
    package mutating func isOurselves(_ endpoint: Endpoint, now: Instant) {
        echoes.insert(endpoint, now: now)
        giveUp(endpoint)
    }

    // MARK: Order

    /// Others see us at this address and port.
    package mutating func weAre(_ endpoint: Endpoint) {
        guard ourselves.updateValue(endpoint, forKey: endpoint.family) != endpoint else { return }
        refreshOrder()
    }

    /// The canonical priority of a peer (BEP 40); nil as long as our own address is unknown.
    package func priority(of endpoint: Endpoint) -> PeerPriority? {
        ourselves[endpoint.family].flatMap { PeerPriority($0, endpoint) }
    }

    /// Drops entries that no longer count, and computes the priorities anew.
    private mutating func refreshOrder() {
        let (records, ourselves) = (records, ourselves)
        order.map { entry in
            guard records[entry.endpoint]?.number == entry.number else { return nil }
            var entry = entry
            entry.priority = ourselves[entry.endpoint.family].flatMap { PeerPriority($0, entry.endpoint) }
            return entry
        }
    }

    // MARK: Candidates

    /// Returns true if the endpoint was not known.
    ///
    /// `namer` is the peer, the node or the tracker that named it. An endpoint that had been given up gets another
    /// chance, and one that a better source names counts for that source. Whether it is a seed is as the last one to
    /// name it says: one peer's word is not to keep a seed from it for ever.
    package mutating func found(
        _ endpoint: Endpoint, _ flags: PeerExchangeMessage.Flags = [], source: PeerSource = .dht,
        by namer: Endpoint? = nil, now: Instant
    ) -> Bool {
        guard endpoint.port != 0, !isBanned(endpoint, now: now) else { return false }
        let turn = CandidateOrder.Turn(source)
        guard !isPrivate || Self.isAllowed(turn) else { return false }
        guard records[endpoint] == nil else {
            namedAgain(endpoint, flags, turn, by: namer)
            return false
        }
        guard makeRoom(for: turn, by: namer ?? endpoint) else {
            refusedCount += 1
            return false
        }
        records[endpoint] = Record(source: turn, namer: namer, flags: flags)
        shelve(endpoint)
        enqueue(endpoint)
        return true
    }

    private mutating func namedAgain(
        _ endpoint: Endpoint, _ flags: PeerExchangeMessage.Flags, _ turn: CandidateOrder.Turn, by namer: Endpoint?
    ) {
        guard var record = records[endpoint] else { return }
        record.flags.remove(.isSeed)
        record.flags.formUnion(flags)
        let isBetter = turn.rawValue < record.source.rawValue
        if isBetter {
            unshelve(endpoint)
            (record.source, record.namer) = (turn, namer)
        }
        let isGivenUp = record.givenUpNumber != nil
        if isGivenUp { record.failures = max(0, configuration.connectAttemptsMax - 1) }
        record.givenUpNumber = nil
        records[endpoint] = record
        if isBetter || isGivenUp, !record.isBusy { shelve(endpoint) }
        // A better source has its own turn; an endpoint that waits after a failure goes on waiting.
        if isGivenUp || isBetter && record.isFresh { enqueue(endpoint) }
    }

    /// The endpoint to try now, marked as busy.
    ///
    /// A seed leaves out seeds: those wait until they are named again.
    package mutating func next(isSeed: Bool = false, includingRetries: Bool = true, now: Instant) -> Endpoint? {
        while let retry = waiting.min, retry.at <= now {
            waiting.removeMin()
            if records[retry.endpoint]?.number == retry.number { enqueue(retry.endpoint) }
        }
        while let (entry, turn) = order.popFirst(includingRetries: includingRetries) {
            guard let record = records[entry.endpoint], record.number == entry.number else { continue }
            leaveOrder(entry.endpoint)
            guard !record.isBusy else { continue }
            guard !isBanned(entry.endpoint, now: now) else {
                giveUp(entry.endpoint)
                continue
            }
            guard !isSeed || !record.wasSeed && !record.flags.contains(.isSeed) else {
                giveUp(entry.endpoint)
                continue
            }
            let naming = Naming(entry.endpoint, by: record.namer)
            if turn != .doubtful, turn != .again, turn != .answered, hosts.isDoubtful(naming) {
                enqueue(entry.endpoint, as: .doubtful)
                order.repeatTurn(turn)
                continue
            }
            unshelve(entry.endpoint)
            records[entry.endpoint]?.isBusy = true
            return entry.endpoint
        }
        return nil
    }

    /// The peer, the node or the tracker that named the endpoint.
    func namer(of endpoint: Endpoint) -> Endpoint? { records[endpoint]?.namer }

    /// Named by a node of the DHT or by a peer, and by no better source; no handshake yet.
    func isNamedByStranger(_ endpoint: Endpoint) -> Bool {
        let shelf = records[endpoint]?.shelf
        return shelf == .dht || shelf == .exchange
    }

    /// How often attempts at the endpoint have failed since it was named.
    func failures(of endpoint: Endpoint) -> Int { records[endpoint]?.failures ?? 0 }

    // MARK: What came of an attempt

    /// The handshake is there.
    package mutating func answered(_ endpoint: Endpoint) {
        hosts.answered(endpoint)
        records[endpoint]?.hasAnswered = true
    }

    /// The attempt failed or the connection ended early: come back later, unless it failed too often.
    package mutating func failed(_ endpoint: Endpoint, now: Instant) {
        hosts.failed(Naming(endpoint, by: records[endpoint]?.namer))
        comeBack(endpoint, after: configuration.reconnectDelay, isFailure: true, now: now)
    }

    /// The peer broke the protocol as no honest client does: it is called again after a longer delay.
    package mutating func misbehaved(_ endpoint: Endpoint, now: Instant) {
        comeBack(endpoint, after: configuration.distrustDelay, isFailure: true, now: now)
    }

    /// The connection was of no use, and others waited for its place.
    package mutating func wasUseless(_ endpoint: Endpoint, now: Instant) {
        comeBack(endpoint, after: configuration.uselessDelay, isFailure: true, now: now)
    }

    /// A connection that had been of use ended: come back after the shortest delay.
    package mutating func ended(_ endpoint: Endpoint, now: Instant) {
        records[endpoint]?.failures = 0
        comeBack(endpoint, after: configuration.reconnectDelay, isFailure: false, now: now)
    }

    /// An attempt was given up before it had failed, or was not begun.
    package mutating func postponed(_ endpoint: Endpoint, until: Instant) {
        guard records[endpoint]?.isBusy == true else { return }
        records[endpoint]?.isBusy = false
        shelve(endpoint)
        wait(endpoint, until: until)
    }

    private mutating func comeBack(_ endpoint: Endpoint, after delay: Duration, isFailure: Bool, now: Instant) {
        guard var record = records[endpoint], record.isBusy else { return }
        record.isBusy = false
        if isFailure { record.failures += 1 }
        records[endpoint] = record
        guard record.failures < configuration.connectAttemptsMax else { return giveUp(endpoint) }
        shelve(endpoint)
        wait(endpoint, until: now + delay * (1 << min(max(record.failures - 1, 0), 10)))
    }

    package func opening(of endpoint: Endpoint) -> EncryptionPolicy.Opening {
        let record = records[endpoint]
        let wantsEncryption = record?.flags.contains(.prefersEncryption) ?? false
        return configuration.encryption.openings(peerWantsEncryption: wantsEncryption)[record?.opening ?? 0]
    }

    /// The peer accepted the connection and sent no handshake: it is called the other way, if one is left.
    ///
    /// At once where it has closed the connection, as clients do that want it encrypted; after the usual delay where
    /// it has `timedOut`.
    package mutating func opensOtherwise(_ endpoint: Endpoint, timedOut: Bool = false, now: Instant) -> Bool {
        guard var record = records[endpoint] else { return false }
        record.opening += 1
        let isLast = record.opening >= configuration.encryption.openings().count
        if isLast { record.opening = 0 } else { record.isBusy = false }
        records[endpoint] = record
        guard !isLast else { return false }
        shelve(endpoint)
        if timedOut {
            hosts.failed(Naming(endpoint, by: record.namer))
            wait(endpoint, until: now + configuration.reconnectDelay, asRetry: true)
        } else {
            enqueue(endpoint)
        }
        return true
    }

    /// We have no use for the endpoint now; it is tried again when it is named, a seed not by another one.
    package mutating func shelved(_ endpoint: Endpoint, isSeed: Bool = false) {
        if isSeed { records[endpoint]?.wasSeed = true }
        giveUp(endpoint)
    }

    /// Our own link was lost and is back: what failed meanwhile says nothing about the endpoints.
    package mutating func networkReturned(now: Instant) {
        hosts = HostRecords()
        var left: [Retry] = []
        while let retry = waiting.popMin() { left.append(retry) }
        for retry in left where records[retry.endpoint]?.number == retry.number { enqueue(retry.endpoint) }
        let failed = givenUp
        givenUp = []
        for (endpoint, number) in failed {
            guard let record = records[endpoint], record.givenUpNumber == number else { continue }
            // What was given up for other reasons stays so.
            guard record.failures >= configuration.connectAttemptsMax else {
                givenUp.append((endpoint, number))
                continue
            }
            records[endpoint]?.givenUpNumber = nil
            records[endpoint]?.failures = configuration.connectAttemptsMax - 1
            shelve(endpoint)
            enqueue(endpoint)
        }
    }

    // MARK: Waiting

    private mutating func giveUp(_ endpoint: Endpoint) {
        guard records[endpoint] != nil else { return }
        leaveOrder(endpoint)
        unshelve(endpoint)
        nextNumber += 1
        records[endpoint]?.isBusy = false
        records[endpoint]?.givenUpNumber = nextNumber
        givenUp.append((endpoint, nextNumber))
        if givenUp.count > 2 * records.count + Self.staleEntriesMax {
            let records = records
            givenUp.removeAll { records[$0.endpoint]?.givenUpNumber != $0.number }
        }
    }

    private mutating func enqueue(_ endpoint: Endpoint, as turn: CandidateOrder.Turn? = nil) {
        guard let record = records[endpoint] else { return }
        leaveOrder(endpoint)
        let turn = turn ?? (record.hasAnswered ? .answered : record.failures > 0 ? .again : record.source)
        let isByNetwork = turn == .again || turn == .answered || turn == .doubtful
        let group = isByNetwork ? endpoint.prefix : record.namer?.host ?? endpoint.prefix
        nextNumber += 1
        records[endpoint]?.number = nextNumber
        if turn != .again {
            records[endpoint]?.isFresh = true
            freshCount += 1
        }
        order.insert(
            CandidateOrder.Entry(
                isReachable: record.flags.contains(.isReachable), priority: priority(of: endpoint),
                number: nextNumber, endpoint: endpoint),
            turn: turn, group: group)
        if order.count > 2 * records.count + Self.staleEntriesMax { refreshOrder() }
    }

    private mutating func wait(_ endpoint: Endpoint, until: Instant, asRetry: Bool = false) {
        leaveOrder(endpoint)
        nextNumber += 1
        records[endpoint]?.number = nextNumber
        if asRetry { records[endpoint]?.failures += 1 }
        waiting.insert(Retry(at: until, number: nextNumber, endpoint: endpoint))
    }

    /// Its entry among those that wait no longer counts.
    mutating func leaveOrder(_ endpoint: Endpoint) {
        guard let record = records[endpoint], record.number != nil else { return }
        records[endpoint]?.number = nil
        if record.isFresh { freshCount -= 1 }
        records[endpoint]?.isFresh = false
    }

    /// Entries that no longer count, beside as many as there are endpoints.
    private static let staleEntriesMax = 1_000
}

extension CandidateOrder.Turn {
    init(_ source: PeerSource) {
        self =
            switch source {
            case .user, .magnet: .given
            case .tracker: .tracker
            case .lsd: .neighbour
            case .dht: .dht
            case .exchange, .incoming: .exchange
            }
    }
}
