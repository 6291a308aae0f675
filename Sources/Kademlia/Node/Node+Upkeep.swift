import KRPC
import Primitives

/// What the node does of its own accord: bootstrap, checking contacts, pinging those who might become contacts.
extension Node {
    // MARK: Bootstrap

    mutating func bootstrap(from endpoints: [Endpoint], now: Instant, into outbox: inout Outbox) {
        for endpoint in endpoints where !bootstrapEndpoints.contains(endpoint) {
            guard configuration.networkMode.accepts(endpoint),
                bootstrapEndpoints.count < configuration.limits.bootstrapEndpointCount
            else {
                counters.refused.bootstrapEndpoints += 1
                continue
            }
            bootstrapEndpoints.append(endpoint)
        }
        // Lookups that were started before there was anything to start from go on with these.
        for reference in lookups.references(where: { $0.legs.contains { $0.lookup.isHungry } }) {
            guard var running = lookups.take(reference) else { continue }
            for leg in running.legs.indices {
                let family = homes[running.legs[leg].home].family
                for endpoint in bootstrapEndpoints where endpoint.family == family {
                    running.legs[leg].lookup.offerSeed(endpoint)
                }
            }
            lookups.putBack(running, reference, wakesAt: nil)
            advance(reference, now: now, into: &outbox)
        }
        for home in homes.indices where !homes[home].isSelfLookupRunning {
            homes[home].selfLookupAt = now
            lookUpSelfIfDue(home, now: now, into: &outbox)
        }
    }

    mutating func lookUpSelfIfDue(_ home: HomeIndex, now: Instant, into outbox: inout Outbox) {
        guard let due = homes[home].selfLookupAt, due <= now, !homes[home].isSelfLookupRunning else { return }
        homes[home].selfLookupAt = nil
        guard hasStartingPoint(home) else { return }
        homes[home].isSelfLookupRunning = true
        if !start(.node(home), homes[home].id, .findNode, at: [home], now: now, into: &outbox) {
            counters.refused.lookups += 1
            homes[home].isSelfLookupRunning = false
            homes[home].selfLookupAt = now + configuration.bootstrapRetry
        }
    }

    mutating func selfLookupFinished(
        _ home: HomeIndex, answered: Int, now: Instant, into outbox: inout Outbox
    ) {
        homes[home].isSelfLookupRunning = false
        let family = homes[home].family
        let isCutOff = !homes[home].hasHeardSeed && bootstrapEndpoints.contains { $0.family == family }
        if answered > 0, !isCutOff, homes[home].contactCount >= configuration.bucketSize {
            homes[home].failedSelfLookups = 0
            let interval = configuration.firstSelfLookupInterval * (1 << min(homes[home].completeSelfLookups, 16))
            homes[home].selfLookupAt = now + min(interval, configuration.longestSelfLookupInterval)
            homes[home].completeSelfLookups += 1
        } else {
            // Nobody, or few: there may be more to find in a while.
            homes[home].selfLookupAt = now + bootstrapPause(home)
            homes[home].failedSelfLookups += 1
        }
        outbox.events.append(.bootstrapFinished(home: home, nodes: homes[home].contactCount))
    }

    private func bootstrapPause(_ home: HomeIndex) -> Duration {
        let doubled = configuration.bootstrapRetry * (1 << min(homes[home].failedSelfLookups, 16))
        return min(doubled, configuration.longestBootstrapRetry)
    }

    private func hasStartingPoint(_ home: HomeIndex) -> Bool {
        homes[home].contactCount > 0 || !homes[home].restored.isEmpty
            || bootstrapEndpoints.contains { $0.family == homes[home].family }
    }

    // MARK: Contacts

    /// A node answered; returns whether it is new in the table.
    mutating func admit(_ contact: Contact, roundTrip: Duration, now: Instant, at home: HomeIndex) -> Bool {
        switch homes[home].answered(contact, roundTrip: roundTrip, now: now) {
        case .added: return true
        case .refreshed, .spare: return false
        case .refused:
            counters.refused.tableEntries += 1
            return false
        }
    }

    /// A node entered the table: lookups that have run dry go on with it, and a node that knew nobody begins to look.
    mutating func welcome(_ contact: Contact, at home: HomeIndex, now: Instant, into outbox: inout Outbox) {
        let isWanted = { (leg: RunningLookup.Leg) in leg.home == home && leg.lookup.isHungry }
        for reference in lookups.references(where: { $0.legs.contains(where: isWanted) }) {
            withLeg(reference, home, now: now, into: &outbox) { _ = $0.offer(contact) }
        }
        if homes[home].selfLookupAt == nil, !homes[home].isSelfLookupRunning {
            homes[home].selfLookupAt = now
            lookUpSelfIfDue(home, now: now, into: &outbox)
        }
    }

    mutating func failed(_ contact: Contact, at home: HomeIndex, now: Instant) {
        homes[home].failed(contact)
        guard homes[home].contactCount == 0, !homes[home].isSelfLookupRunning else { return }
        // The last one is gone: back to the bootstrap, soon.
        let soon = now + configuration.bootstrapRetry
        homes[home].selfLookupAt = min(homes[home].selfLookupAt ?? soon, soon)
    }

    /// A node asked us something: a contact is alive then, and a stranger may become one.
    mutating func noteSender(_ id: NodeID, _ origin: Origin, now: Instant) {
        guard configuration.networkMode.accepts(origin.endpoint) else { return }
        let contact = Contact(id: id, endpoint: origin.endpoint)
        guard homes[origin.home].heard(contact, now: now) == .welcome else { return }
        if configuration.table.admission == .heard { return homes[origin.home].admitUnverified(contact, now: now) }
        // Most of those who ask are behind translators and never answer: once in a while is enough.
        guard !memory.failures.contains(origin.endpoint, now: now) else { return }
        let stranger = Unverified(endpoint: contact.endpoint, id: id, home: origin.home)
        appendUnverified(stranger, paidBy: origin, now: now)
    }

    /// Puts a stranger on the list of those to be pinged, if the table has room for its like.
    mutating func enqueue(_ stranger: Unverified, now: Instant) {
        guard configuration.networkMode.accepts(stranger.endpoint) else {
            counters.refused.contacts += 1
            return
        }
        if let id = stranger.id {
            let contact = Contact(id: id, endpoint: stranger.endpoint)
            guard standing(contact, at: stranger.home) == .welcome else { return }
        }
        // Its silence, or that of its host and network, is known: who names it again cannot make us send more.
        guard !memory.failures.contains(stranger.endpoint, now: now) else {
            counters.refused.contacts += 1
            return
        }
        appendUnverified(stranger, now: now)
    }

    /// - Parameter origin: whose query named the stranger: its own.
    private mutating func appendUnverified(_ stranger: Unverified, paidBy origin: Origin? = nil, now: Instant) {
        guard !unverified.contains(stranger), origin.map({ paysForPing($0) }) ?? true else { return }
        if unverified.isEmpty { nextVerification = max(nextVerification, now) }
        counters.refused.unverifiedContacts += unverified.append(
            stranger, limit: configuration.limits.unverifiedContactCount)
    }

    mutating func verifyIfDue(now: Instant, into outbox: inout Outbox) {
        while nextVerification <= now, let stranger = nextStranger() {
            if let id = stranger.id {
                let contact = Contact(id: id, endpoint: stranger.endpoint)
                guard standing(contact, at: stranger.home) == .welcome else { continue }
            }
            nextVerification = now + configuration.table.verificationInterval
            // A poor table needs more than a sign of life.
            let query =
                isPoor(stranger.home) ? OutgoingQuery.findNode(target: homes[stranger.home].id, want: nil) : .ping
            let sending = send(
                query, to: stranger.endpoint, id: stranger.id, at: stranger.home, for: .verification, now: now,
                into: &outbox)
            if case .refused(let retryAt) = sending {
                if !unverified.contains(stranger) {
                    counters.refused.unverifiedContacts += unverified.append(
                        stranger, limit: configuration.limits.unverifiedContactCount)
                }
                nextVerification = max(nextVerification, retryAt)
            }
        }
    }

    /// Who knocked is asked before those whom we knew in an earlier run.
    private mutating func nextStranger() -> Unverified? {
        if let stranger = unverified.popNext() { return stranger }
        for home in homes.indices {
            guard let contact = homes[home].restored.popLast() else { continue }
            if homes[home].restored.isEmpty { homes[home].restored = [] }
            return Unverified(endpoint: contact.endpoint, id: contact.id, home: home)
        }
        return nil
    }

    // MARK: Upkeep

    @inline(__always)
    var needsUpkeep: Bool {
        if store.infoHashCount > 0 || !items.isEmpty && items.value.count > 0 { return true }
        let homes = homes.span
        for home in homes.indices where homes[home].contactCount > 0 { return true }
        return false
    }

    @inline(__always)
    private var upkeepInterval: Duration {
        switch configuration.table.upkeep {
        case .stalest(let interval):
            return checksDone < configuration.table.fillingChecks ? configuration.table.fillingInterval : interval
        case .bucketRefresh(let interval):
            return interval / max(1, homes.reduce(0) { $0 + $1.bucketCount })
        }
    }

    mutating func upkeepIfDue(now: Instant, into outbox: inout Outbox) {
        guard nextUpkeep <= now, needsUpkeep else { return }
        nextUpkeep = now + upkeepInterval
        if checksDone < configuration.table.fillingChecks { checksDone += 1 }
        let pause = configuration.search.queryTimeout + upkeepInterval
        for home in homes.indices {
            guard let check = homes[home].nextCheck(now: now, pauseAfterFailure: pause, using: &generator) else {
                continue
            }
            // A bucket with room is asked for more contacts; a full one needs only a sign of life.
            let query = check.hasRoom ? OutgoingQuery.findNode(target: check.target, want: nil) : .ping
            _ = send(
                query, to: check.contact.endpoint, id: check.contact.id, at: home, for: .upkeep, now: now, into: &outbox
            )
        }
        // A sweep through the whole store every 128 checks: about ten minutes.
        store.sweep(store.infoHashCount / 128 + 1, now: now)
        if !items.isEmpty { items.value.sweep(items.value.count / 128 + 1, now: now) }
    }

    /// A sign of life of a bucket's worth of contacts, or of where we started from while there are none.
    mutating func pingNearest(_ home: HomeIndex, now: Instant, into outbox: inout Outbox) {
        var nearest: [Contact] = []
        appendClosest(to: homes[home].id, count: configuration.bucketSize, at: home, into: &nearest)
        for contact in nearest {
            _ = send(.ping, to: contact.endpoint, id: contact.id, at: home, for: .upkeep, now: now, into: &outbox)
        }
        guard nearest.isEmpty else { return }
        for endpoint in bootstrapEndpoints where endpoint.family == homes[home].family {
            enqueue(Unverified(endpoint: endpoint, id: nil, home: home), now: now)
        }
    }

    // MARK: Our address

    /// A node that answered said as whom it sees us (BEP 42).
    mutating func noteVote(
        _ seen: Endpoint, by voter: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
    ) {
        guard seen.family == homes[home].family, configuration.networkMode.accepts(seen),
            let external = homes[home].votes.vote(
                seen, by: configuration.networkMode.source(of: voter), now: now)
        else { return }
        outbox.events.append(.externalAddressKnown(home: home, external))
        guard configuration.followsExternalAddress, configuration.networkMode == .public,
            !SecureID.isValid(homes[home].id, for: external)
        else { return }
        let id = SecureID.make(for: external, using: &generator)
        homes[home].rename(to: id)
        memory.cache.forget(home)
        homes[home].completeSelfLookups = 0
        outbox.events.append(.identityChanged(home: home, id))
        // Our neighbourhood is another one now.
        if let running = lookups.reference(of: .node(home)) { lookups.remove(running) }
        homes[home].isSelfLookupRunning = false
        homes[home].selfLookupAt = now
        lookUpSelfIfDue(home, now: now, into: &outbox)
    }
}
