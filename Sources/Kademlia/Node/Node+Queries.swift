import KRPC
import Primitives

/// What became of a query that was to be sent.
enum Sending: Equatable {
    case sent
    /// There was no room for it; there may be at `retryAt`.
    case refused(retryAt: Instant)
}

/// The node as a client: its queries, and what comes of them.
extension Node {
    /// How soon a lookup tries again that found all transactions in use.
    private static let congestionPause = Duration.milliseconds(100)

    /// Sends a query, if the budgets have room for it and not too many are in flight.
    ///
    /// - Parameter urgency: nil: that of the purpose, and of a caller's lookup for a lookup.
    mutating func send(
        _ query: OutgoingQuery, to endpoint: Endpoint, id: NodeID?, at home: HomeIndex, for purpose: Purpose,
        urgency: Urgency? = nil, now: Instant, into outbox: inout Outbox
    ) -> Sending {
        guard !transactions.isFull else {
            counters.refused.transactions += 1
            return .refused(retryAt: now + Self.congestionPause)
        }
        if let retryAt = budgetPause(before: endpoint, urgency ?? purpose.urgency, now: now) {
            return .refused(retryAt: retryAt)
        }
        let record = id.flatMap { self.record(of: Contact(id: $0, endpoint: endpoint), at: home) }
        let transaction = Transaction(
            endpoint: endpoint, home: home, verb: query.verb, expectedID: id, purpose: purpose, sentAt: now,
            isHearsay: record == nil)
        guard let number = transactions.begin(transaction, stallTimeout: stallTimeout(of: record)) else {
            return .refused(retryAt: now + Self.congestionPause)
        }
        let start = outbox.bytes.count
        encode(query, number: number, at: home, into: &outbox.bytes)
        counters.queriesSent.count(query.verb)
        if record == nil { memory.failures.asked(endpoint, configuration.search, now: now) }
        outbox.finishDatagram(from: start, to: endpoint, via: home)
        return .sent
    }

    /// How long a query to a stranger may be silent before somebody else is asked in its place.
    @inline(__always)
    var stallTimeout: Duration {
        switch configuration.search.stall {
        case .fixed(let timeout): timeout
        case .adaptive(let initial): memory.strangerRoundTrips.stallTimeout(initial: initial)
        }
    }

    /// The same for a contact: from its own round trip, if that says more.
    @inline(__always)
    private func stallTimeout(of record: ContactRecord?) -> Duration {
        guard configuration.search.stallsByContact, let record else { return stallTimeout }
        return min(stallTimeout, record.roundTrip * 2 + .milliseconds(50))
    }

    /// Pings for the owner, who chose the endpoint: no rule about contacts applies.
    mutating func ping(_ endpoint: Endpoint, now: Instant, into outbox: inout Outbox) {
        let home = self.home(of: endpoint.family)
        let sending = home.map { home in
            send(.ping, to: endpoint, id: nil, at: home, for: .ping, now: now, into: &outbox)
        }
        if sending != .sent { outbox.events.append(.pinged(endpoint, nil)) }
    }

    mutating func responded(
        _ response: Response, _ message: Message, _ packet: RawSpan, from source: Endpoint, at home: HomeIndex,
        now: Instant, into outbox: inout Outbox
    ) {
        guard !isOwn(response.id) else {
            counters.refused.ownID += 1
            return
        }
        guard let number = message.queryNumber(in: packet),
            let transaction = transactions.finish(number: number, from: source, at: home)
        else {
            counters.refused.unknownTransaction += 1
            return
        }
        countAnswer(to: transaction, now: now, into: &outbox)
        proved(source, now: now)
        if !homes[home].hasHeardSeed, bootstrapEndpoints.contains(source) { homes[home].hasHeardSeed = true }
        if let expected = transaction.expectedID, expected != response.id {
            counters.refused.unexpectedID += 1
            homes[home].disowned(Contact(id: expected, endpoint: source))
        }
        let contact = Contact(id: response.id, endpoint: source)
        let roundTrip = transaction.sentAt.duration(to: now)
        let isNew =
            configuration.networkMode.accepts(source) && admit(contact, roundTrip: roundTrip, now: now, at: home)
        if let seen = message.observedEndpoint { noteVote(seen, by: source, at: home, now: now, into: &outbox) }
        if transaction.purpose == .ping {
            let version = message.version.map { packet.copy($0.prefix(Self.versionByteCount)) } ?? []
            let pong = Pong(
                id: response.id, version: version, observed: message.observedEndpoint, roundTrip: roundTrip)
            outbox.events.append(.pinged(source, pong))
        }
        let answer = Answer(response: response, contact: contact)
        deliver(answer, to: transaction, packet, now: now, into: &outbox)
        if isNew { welcome(contact, at: home, now: now, into: &outbox) }
    }

    /// Of a `v` that the owner is told.
    private static let versionByteCount = 32

    /// An error message: the query is over, and the node is alive, but we do not know under which id.
    mutating func refusedByOther(
        _ message: Message, _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant,
        into outbox: inout Outbox
    ) {
        guard let number = message.queryNumber(in: packet),
            let transaction = transactions.finish(number: number, from: source, at: home)
        else {
            counters.refused.unknownTransaction += 1
            return
        }
        counters.errorsReceived += 1
        memory.answered(
            after: transaction.sentAt.duration(to: now), by: source, wasHearsay: transaction.isHearsay,
            stallQuantile: configuration.search.stallQuantile)
        switch transaction.purpose {
        case .lookup(let reference, let asked):
            withLeg(reference, home, now: now, into: &outbox) { $0.failed(asked) }
        case .announce(let reference, let store):
            guard case .error(let code, _) = message.body else { return }
            storeRefused(code, reference, store, of: transaction, now: now, into: &outbox)
        case .token(let reference, let store):
            withLeg(reference, home, now: now, into: &outbox) { $0.storeFailed(store) }
        case .ping: outbox.events.append(.pinged(source, nil))
        case .upkeep, .verification: break
        }
    }

    mutating func stalled(_ transaction: Transaction, now: Instant, into outbox: inout Outbox) {
        counters.stalls += 1
        switch transaction.purpose {
        case .lookup(let reference, let asked):
            withLeg(reference, transaction.home, now: now, into: &outbox) { $0.stalled(asked, now: now) }
        case .announce(let reference, let store):
            withLeg(reference, transaction.home, now: now, into: &outbox) { $0.storeStalled(store) }
        case .token, .upkeep, .verification, .ping: break
        }
    }

    mutating func timedOut(_ transaction: Transaction, now: Instant, into outbox: inout Outbox) {
        counters.timeouts += 1
        // If nobody was heard since, we are cut off ourselves, and blaming the contacts would empty the table.
        if lastReceived > transaction.sentAt {
            if let id = transaction.expectedID {
                memory.timedOut(
                    transaction.endpoint, wasHearsay: transaction.isHearsay, configuration.search, now: now)
                failed(Contact(id: id, endpoint: transaction.endpoint), at: transaction.home, now: now)
            } else if transaction.purpose == .verification {
                memory.failures.add(transaction.endpoint, configuration.search, now: now)
            }
        } else if transaction.isHearsay {
            memory.failures.settled(transaction.endpoint)
        }
        switch transaction.purpose {
        case .lookup(let reference, let asked):
            withLeg(reference, transaction.home, now: now, into: &outbox) { $0.failed(asked) }
        case .announce(let reference, let store), .token(let reference, let store):
            withLeg(reference, transaction.home, now: now, into: &outbox) { $0.storeFailed(store) }
        case .ping: outbox.events.append(.pinged(transaction.endpoint, nil))
        case .upkeep, .verification: break
        }
    }

    private mutating func countAnswer(to transaction: Transaction, now: Instant, into outbox: inout Outbox) {
        if counters.answersReceived.total == 0 { outbox.events.append(.firstContact(transaction.endpoint)) }
        memory.answered(
            after: transaction.sentAt.duration(to: now), by: transaction.endpoint,
            wasHearsay: transaction.isHearsay, stallQuantile: configuration.search.stallQuantile)
        counters.answersReceived.count(transaction.verb)
    }
}
