import OrderedCollections
package import PeerProtocol
package import Primitives

/// The endpoints a torrent has heard of: which to try next, which to leave alone.
///
/// Fresh ones go first, as `CandidateOrder` says; failed ones come back after a delay that doubles.
package struct CandidateQueue {
    private let configuration: Swarm.Configuration
    private var records: OrderedDictionary<Endpoint, Record> = [:]
    private var fresh = CandidateOrder()
    /// Waiting for a retry, earliest first.
    private var waiting: [Retry] = []
    /// Endpoints refused because the queue was full.
    package private(set) var refusedCount = 0
    package private(set) var bannedCount = 0
    /// Hosts, with port 0, and endpoints that gave bad data.
    private var liars: BanList
    /// Endpoints that answered with our own peer id: never their hosts, which others may share.
    private var echoes: BanList
    /// Where others see us, in each family.
    private var ourselves: [Endpoint.Family: Endpoint] = [:]

    private struct Record {
        var failures = 0
        /// Being tried or connected.
        var isBusy = false
        /// In `fresh` or `waiting`.
        var isQueued = false
        /// How it is called: its place among the openings of our policy.
        var opening = 0
        /// What was said of it, true or not.
        var flags: PeerExchangeMessage.Flags = []
        /// We have seen it with nothing left to want.
        var wasSeed = false
        /// Somebody whom we believe named it, or somebody claims to have reached it.
        var isVouchedFor = false
    }

    private struct Retry {
        let endpoint: Endpoint
        let at: Instant
    }

    package init(configuration: Swarm.Configuration) {
        self.configuration = configuration
        liars = BanList(time: configuration.banTime, countMax: configuration.bansMax)
        echoes = BanList(time: configuration.banTime, countMax: configuration.bansMax)
    }

    package var knownCount: Int { records.count }
    package var hasFresh: Bool { !fresh.isEmpty }
    package var nextRetry: Instant? { waiting.first?.at }

    /// Whether the endpoint is refused: it or its host gave bad data lately, or it is ourselves.
    package func isBanned(_ endpoint: Endpoint, now: Instant) -> Bool {
        [endpoint, endpoint.host].contains { liars.contains($0, now: now) } || echoes.contains(endpoint, now: now)
    }

    /// Others see us at this address and port.
    package mutating func weAre(_ endpoint: Endpoint) {
        guard ourselves.updateValue(endpoint, forKey: endpoint.family) != endpoint else { return }
        let ourselves = ourselves
        fresh.reorder { theirs in ourselves[theirs.family].flatMap { PeerPriority($0, theirs) } }
    }

    /// The canonical priority of a peer (BEP 40); nil as long as our own address is unknown.
    package func priority(of endpoint: Endpoint) -> PeerPriority? {
        ourselves[endpoint.family].flatMap { PeerPriority($0, endpoint) }
    }

    /// Returns true if the endpoint was not known.
    ///
    /// One that had been given up gets another chance. Whether it is a seed is as the last one to name it says: one
    /// peer's word is not to keep a seed from it for ever.
    package mutating func found(
        _ endpoint: Endpoint, _ flags: PeerExchangeMessage.Flags = [], isTrusted: Bool = false, now: Instant
    ) -> Bool {
        guard endpoint.port != 0, !isBanned(endpoint, now: now) else { return false }
        if let record = records[endpoint] {
            records[endpoint]?.flags.remove(.isSeed)
            records[endpoint]?.flags.formUnion(flags)
            if record.failures >= configuration.connectAttemptsMax, !record.isBusy, !record.isQueued {
                records[endpoint]?.failures = configuration.connectAttemptsMax - 1
                enqueue(endpoint)
            }
            return false
        }
        guard records.count < configuration.candidatesMax || forgetOne() else {
            refusedCount += 1
            return false
        }
        records[endpoint] = Record(flags: flags, isVouchedFor: isTrusted || flags.contains(.isReachable))
        enqueue(endpoint)
        return true
    }

    /// The endpoint to try now, marked as busy.
    ///
    /// A seed leaves out seeds: those wait until somebody names them again.
    package mutating func next(isSeed: Bool = false, now: Instant) -> Endpoint? {
        while let endpoint = fresh.popFirst() ?? dueRetry(now: now) {
            guard let record = records[endpoint] else { continue }
            records[endpoint]?.isQueued = false
            guard !record.isBusy, !isBanned(endpoint, now: now) else { continue }
            guard !isSeed || !record.wasSeed && !record.flags.contains(.isSeed) else {
                shelved(endpoint)
                continue
            }
            records[endpoint]?.isBusy = true
            return endpoint
        }
        return nil
    }

    /// The attempt failed or the connection ended early: come back later, unless it failed too often.
    package mutating func failed(_ endpoint: Endpoint, now: Instant) {
        guard var record = records[endpoint] else { return }
        record.isBusy = false
        record.failures += 1
        records[endpoint] = record
        guard record.failures < configuration.connectAttemptsMax else { return }
        retry(endpoint, after: configuration.reconnectDelay * (1 << min(record.failures - 1, 10)), now: now)
    }

    /// A connection that had worked ended: come back after the shortest delay.
    package mutating func ended(_ endpoint: Endpoint, now: Instant) {
        guard records[endpoint] != nil else { return }
        records[endpoint]?.isBusy = false
        records[endpoint]?.failures = 0
        retry(endpoint, after: configuration.reconnectDelay, now: now)
    }

    /// An attempt was given up before it had failed.
    package mutating func postponed(_ endpoint: Endpoint, now: Instant) {
        guard records[endpoint] != nil else { return }
        records[endpoint]?.isBusy = false
        retry(endpoint, after: configuration.reconnectDelay, now: now)
    }

    package func opening(of endpoint: Endpoint) -> EncryptionPolicy.Opening {
        let record = records[endpoint]
        let wantsEncryption = record?.flags.contains(.prefersEncryption) ?? false
        return configuration.encryption.openings(peerWantsEncryption: wantsEncryption)[record?.opening ?? 0]
    }

    /// The peer took the call and said nothing: it is called the other way at once, if there is one that was not tried.
    package mutating func opensOtherwise(_ endpoint: Endpoint) -> Bool {
        guard var record = records[endpoint] else { return false }
        let openings = configuration.encryption.openings().count
        record.opening += 1
        let isLast = record.opening >= openings
        if isLast { record.opening = 0 } else { record.isBusy = false }
        records[endpoint] = record
        if !isLast { enqueue(endpoint) }
        return !isLast
    }

    /// We have no use for the endpoint now; it is tried again when somebody names it, a seed not by another one.
    package mutating func shelved(_ endpoint: Endpoint, isSeed: Bool = false) {
        if isSeed { records[endpoint]?.wasSeed = true }
        records[endpoint]?.isBusy = false
        records[endpoint]?.failures = configuration.connectAttemptsMax
    }

    /// The endpoint gave bad data: it is refused for a time, and its host too where hosts have addresses of their own.
    package mutating func ban(_ endpoint: Endpoint, now: Instant) {
        if !isBanned(endpoint, now: now) { bannedCount += 1 }
        liars.insert(configuration.bansHosts ? endpoint.host : endpoint, now: now)
        shelved(endpoint)
    }

    /// The endpoint answered with our own peer id, so it is left alone for a time.
    package mutating func isOurselves(_ endpoint: Endpoint, now: Instant) {
        echoes.insert(endpoint, now: now)
        shelved(endpoint)
    }

    /// The peer broke the protocol as no honest client does: it is called again after a longer delay.
    package mutating func misbehaved(_ endpoint: Endpoint, now: Instant) {
        guard var record = records[endpoint] else { return }
        record.isBusy = false
        record.failures += 1
        records[endpoint] = record
        guard record.failures < configuration.connectAttemptsMax else { return }
        retry(endpoint, after: configuration.distrustDelay * (1 << min(record.failures - 1, 10)), now: now)
    }

    /// Makes room for a new endpoint: the oldest of those given up goes.
    private mutating func forgetOne() -> Bool {
        let index = records.values.firstIndex {
            $0.failures >= configuration.connectAttemptsMax && !$0.isBusy && !$0.isQueued
        }
        if let index { records.remove(at: index) }
        return index != nil
    }

    private mutating func enqueue(_ endpoint: Endpoint) {
        records[endpoint]?.isQueued = true
        fresh.insert(
            endpoint, priority: priority(of: endpoint), isVouchedFor: records[endpoint]?.isVouchedFor ?? false)
    }

    private mutating func retry(_ endpoint: Endpoint, after delay: Duration, now: Instant) {
        guard records[endpoint]?.isQueued == false else { return }
        records[endpoint]?.isQueued = true
        let retry = Retry(endpoint: endpoint, at: now + delay)
        let position = waiting.firstIndex { $0.at > retry.at } ?? waiting.count
        waiting.insert(retry, at: position)
    }

    private mutating func dueRetry(now: Instant) -> Endpoint? {
        guard let first = waiting.first, first.at <= now else { return nil }
        waiting.removeFirst()
        return first.endpoint
    }
}
