import KRPC
import Primitives

/// A response, and who gave it.
struct Answer {
    let response: Response
    let contact: Contact

    /// Empty when there is none, which many nodes leave out.
    func token(in packet: RawSpan) -> [UInt8] { response.token.map { packet.copy($0) } ?? [] }
}

/// Lookups, from the command or the node's own need to the report.
extension Node {
    /// Candidates to start from: more than k, since some of them will not answer.
    private static let startCount = 16

    mutating func lookUp(
        _ id: LookupID, _ target: ID160, _ purpose: LookupPurpose, now: Instant, into outbox: inout Outbox
    ) {
        let isKnown = lookups.reference(of: .caller(id)) != nil || publications.item(of: id) != nil
        if isKnown || !start(.caller(id), target, purpose, now: now, into: &outbox) {
            counters.refused.lookups += 1
            outbox.events.append(.lookupRefused(id))
        }
    }

    /// The home that a caller's lookups start from: of several of one family (BEP 45) the first whose table is of use,
    /// so that announces come from the same address each time; else the one that knows most.
    private func bestHome(of family: Endpoint.Family) -> HomeIndex? {
        let mine = homes.indices.filter { homes[$0].family == family }
        let able = mine.first { homes[$0].contactCount >= configuration.bucketSize }
        return able ?? mine.max { (homes[$0].contactCount, $1) < (homes[$1].contactCount, $0) }
    }

    mutating func cancel(_ id: LookupID) {
        guard let reference = lookups.reference(of: .caller(id)) else { return }
        lookups.remove(reference)
        counters.search.cancelled += 1
    }

    /// Begins a lookup at these homes, or the best of each family; false when too many are running.
    mutating func start(
        _ owner: RunningLookup.Owner, _ target: ID160, _ purpose: LookupPurpose, at given: [HomeIndex]? = nil,
        now: Instant, into outbox: inout Outbox
    ) -> Bool {
        let homesUsed = given ?? [Endpoint.Family.v4, .v6].compactMap(bestHome).sorted()
        let legs = homesUsed.map { home in
            RunningLookup.Leg(home: home, lookup: makeLookup(owner, target, purpose, at: home, now: now))
        }
        let running = RunningLookup(owner: owner, target: target, purpose: purpose, startedAt: now, legs: legs)
        guard let reference = lookups.add(running) else { return false }
        counters.search.started += 1
        advance(reference, now: now, into: &outbox)
        return true
    }

    /// One leg, with all that we know to start from.
    private mutating func makeLookup(
        _ owner: RunningLookup.Owner, _ target: ID160, _ purpose: LookupPurpose, at home: HomeIndex, now: Instant
    ) -> Lookup {
        // A bootstrap is not content with contacts that it has by chance: two halves of a network that know nothing
        // of each other can only meet through the endpoints that somebody gave.
        let prefersSeeds = owner == .node(home) && !homes[home].hasHeardSeed
        let rules = LookupRules(
            configuration, announces: purpose.stores, prefersSeeds: prefersSeeds,
            hearsayShare: memory.hearsay.value, networkSize: memory[homes[home].family].reliableNodes)
        var lookup = Lookup(target: target, ownID: homes[home].id, rules: rules, now: now)
        var known: [Contact] = []
        appendClosest(to: target, count: Self.startCount, includingBad: true, at: home, into: &known)
        for contact in known {
            let record = record(of: contact, at: home)
            let isProven = record.map { $0.failures == 0 } ?? false
            _ = lookup.offer(contact, isProven ? .proven : .hearsay, roundTrip: record?.roundTrip)
        }
        let isPoor = known.count < configuration.bucketSize
        var restored: [Contact] = []
        homes[home].appendRestored(to: target, count: max(0, Self.startCount - known.count), into: &restored)
        for contact in restored { _ = lookup.offer(contact) }
        if owner != .node(home), let cached = memory.cache.closest(to: target, at: home, now: now) {
            if cached.isSame { counters.search.cacheHits += 1 }
            for contact in cached.contacts { _ = lookup.offer(contact, .proven) }
        }
        if prefersSeeds || isPoor {
            for endpoint in bootstrapEndpoints where endpoint.family == homes[home].family {
                lookup.offerSeed(endpoint)
            }
        }
        return lookup
    }

    /// Does what the lookup wants done now.
    mutating func advance(_ reference: LookupReference, now: Instant, into outbox: inout Outbox) {
        guard let running = lookups.take(reference) else { return }
        advance(running, reference, now: now, into: &outbox)
    }

    /// Tells one leg of a lookup a fact, then does what follows from it.
    mutating func withLeg(
        _ reference: LookupReference, _ home: HomeIndex, now: Instant, into outbox: inout Outbox,
        _ fact: (inout Lookup) -> Void
    ) {
        guard var running = lookups.take(reference) else { return }
        if let leg = running.legIndex(of: home) { fact(&running.legs[leg].lookup) }
        advance(running, reference, now: now, into: &outbox)
    }

    private mutating func advance(
        _ taken: consuming RunningLookup, _ reference: LookupReference, now: Instant, into outbox: inout Outbox
    ) {
        var running = taken
        var wakesAt: Instant?
        for leg in running.legs.indices {
            while let step = running.legs[leg].lookup.next(now: now) {
                guard perform(step, &running, leg, reference, now: now, into: &outbox) else { break }
            }
            if let wake = running.legs[leg].lookup.wakesAt { wakesAt = min(wakesAt ?? wake, wake) }
        }
        if running.isFinished(now: now, patience: configuration.search.settleTimeout) {
            lookups.remove(reference)
            finish(running, now: now, into: &outbox)
            return
        }
        if let abandon = running.abandonsSilentLegsAt(configuration.search.settleTimeout) {
            wakesAt = min(wakesAt ?? abandon, abandon)
        }
        lookups.putBack(running, reference, wakesAt: wakesAt)
    }

    /// Returns false when the leg has to pause.
    private mutating func perform(
        _ step: Lookup.Step, _ running: inout RunningLookup, _ leg: Int, _ reference: LookupReference, now: Instant,
        into outbox: inout Outbox
    ) -> Bool {
        let home = running.legs[leg].home
        switch step {
        case .ask(let asked, let endpoint, let id):
            let query = question(running, to: endpoint, at: home, now: now)
            let purpose = Purpose.lookup(reference, asked)
            let sending = send(
                query, to: endpoint, id: id, at: home, for: purpose, urgency: running.owner.urgency, now: now,
                into: &outbox)
            guard case .refused(let retryAt) = sending else { return true }
            running.legs[leg].lookup.unsent(asked, retryAt: retryAt)
            return false
        case .announce(let store, let contact, let token):
            guard let query = storing(running, token) else {
                running.harvest.noteRefusal(.sequenceTooLow)
                running.legs[leg].lookup.storeFailed(store)
                return true
            }
            let purpose = Purpose.announce(reference, store: store)
            let sending = send(
                query, to: contact.endpoint, id: contact.id, at: home, for: purpose, now: now, into: &outbox)
            guard case .refused(let retryAt) = sending else { return true }
            running.legs[leg].lookup.storeUnsent(store, retryAt: retryAt)
            return false
        case .refreshToken(let store, let contact):
            let query = tokenQuestion(running)
            let purpose = Purpose.token(reference, store: store)
            let sending = send(
                query, to: contact.endpoint, id: contact.id, at: home, for: purpose, now: now, into: &outbox)
            guard case .refused(let retryAt) = sending else { return true }
            running.legs[leg].lookup.storeUnsent(store, retryAt: retryAt)
            return false
        case .finish: break
        }
        return true
    }

    /// Both families while the other one's table is poor (BEP 32, "Bootstrapping"), else only the one that is asked.
    mutating func wantBeside(_ home: HomeIndex) -> Want? {
        let family = homes[home].family
        for other in homes.indices where homes[other].family != family && isPoor(other) { return [.n4, .n6] }
        return nil
    }

    /// Hands an answer to what it was asked for.
    mutating func deliver(
        _ answer: Answer, to transaction: Transaction, _ packet: RawSpan, now: Instant, into outbox: inout Outbox
    ) {
        switch transaction.purpose {
        case .lookup(let reference, let asked):
            guard var running = lookups.take(reference) else { return }
            if let leg = running.legIndex(of: transaction.home) {
                // Under whatever id: the endpoint is the one that was asked, and others may have named it wrongly.
                let token = running.purpose.stores ? answer.token(in: packet) : []
                running.legs[leg].lookup.answered(asked, by: answer.contact, token: token)
                collectPeers(answer, &running, packet, into: &outbox)
                collectNodes(answer, &running, packet, now: now)
                harvest(answer, &running, packet, now: now, into: &outbox)
            }
            advance(running, reference, now: now, into: &outbox)
        case .announce(let reference, let store):
            withLeg(reference, transaction.home, now: now, into: &outbox) { $0.storeConfirmed(store) }
        case .token(let reference, let store):
            let token = answer.token(in: packet)
            withLeg(reference, transaction.home, now: now, into: &outbox) { $0.tokenRefreshed(store, token: token) }
        case .upkeep, .verification, .ping:
            forEachNode(in: answer.response, packet) { node, contact, home in
                node.enqueue(Unverified(endpoint: contact.endpoint, id: contact.id, home: home), now: now)
            }
        }
    }

    private mutating func collectPeers(
        _ answer: Answer, _ running: inout RunningLookup, _ packet: RawSpan, into outbox: inout Outbox
    ) {
        guard case .caller(let id) = running.owner, running.purpose.wantsPeers else { return }
        var fresh: [Endpoint] = []
        var left = peersBelieved(of: running)
        var values = answer.response.values.makeIterator(in: packet)
        while let peer = values.next(in: packet) {
            guard left > 0, configuration.networkMode.accepts(peer), hasRoom(for: peer, &running) else {
                counters.refused.peers += 1
                continue
            }
            if running.peers.insert(peer).inserted {
                fresh.append(peer)
                left -= 1
            }
        }
        if !fresh.isEmpty { outbox.events.append(.peersFound(id, fresh, from: answer.contact.endpoint)) }
    }

    /// How many new peers one answer may bring: of the room that is left never more than a quarter, so that a few
    /// answers do not fill it.
    private func peersBelieved(of running: borrowing RunningLookup) -> Int {
        let left = configuration.limits.peersPerLookup - running.peers.count
        return min(configuration.limits.peersPerReply, (left + 3) / 4)
    }

    /// Whether a lookup may report another port of a host: many of them lead to one victim (public mode).
    private func hasRoom(for peer: Endpoint, _ running: inout RunningLookup) -> Bool {
        guard configuration.networkMode == .public, !running.peers.contains(peer) else { return true }
        let count = running.peersByHost[peer.host] ?? 0
        guard count < configuration.limits.peersPerAddress else { return false }
        running.peersByHost[peer.host] = count + 1
        return true
    }

    private mutating func collectNodes(
        _ answer: Answer, _ running: inout RunningLookup, _ packet: RawSpan, now: Instant
    ) {
        forEachNode(in: answer.response, packet) { node, contact, home in
            guard let leg = running.legIndex(of: home) else {
                node.enqueue(Unverified(endpoint: contact.endpoint, id: contact.id, home: home), now: now)
                return
            }
            guard !node.memory.failures.contains(contact.endpoint, now: now) else {
                node.counters.search.passedOver += 1
                return
            }
            if running.legs[leg].lookup.offer(contact) == .refused { node.counters.refused.candidates += 1 }
        }
    }

    /// Visits the believable contacts of a response, each with the home of its family.
    private mutating func forEachNode(
        in response: Response, _ packet: RawSpan, _ body: (inout Node, Contact, HomeIndex) -> Void
    ) {
        for nodes in [response.nodes, response.nodes6] {
            guard !nodes.isEmpty, let home = home(of: nodes.family) else { continue }
            let limit = configuration.limits.contactsPerReply
            if nodes.count > limit { counters.refused.contacts += nodes.count - limit }
            for index in 0..<min(nodes.count, limit) {
                let contact = nodes[index, in: packet]
                guard configuration.networkMode.accepts(contact.endpoint), !isOwn(contact.id),
                    !isOwn(contact.endpoint, at: home)
                else {
                    counters.refused.contacts += 1
                    continue
                }
                body(&self, contact, home)
            }
        }
    }

    private mutating func finish(_ running: RunningLookup, now: Instant, into outbox: inout Outbox) {
        let report = running.report(now: now)
        learn(from: running, report, now: now)
        switch running.owner {
        case .caller(let id):
            outbox.events.append(.lookupFinished(id, report))
            publicationRoundFinished(id, report, now: now, into: &outbox)
        case .node(let home): selfLookupFinished(home, answered: report.answered, now: now, into: &outbox)
        }
    }
}

/// What a lookup that is over leaves behind.
extension Node {
    private mutating func learn(from running: RunningLookup, _ report: LookupReport, now: Instant) {
        counters.search.finished += 1
        if report.answered > 0 {
            memory.durations.record(report.duration)
        } else {
            counters.search.failed += 1
        }
        for leg in running.legs {
            let lookup = leg.lookup
            counters.search.resends += lookup.resendCount
            counters.search.storesBeyondNearest += max(0, lookup.stores.count - configuration.bucketSize)
            if lookup.isBesieged { counters.search.besieged += 1 }
            let closest = lookup.closest
            let isOwn = running.owner == .node(leg.home)
            if !isOwn { memory.cache.add(closest, near: running.target, at: leg.home, configuration.search, now: now) }
            // The same neighbours say the same again: our own surroundings count once.
            let family = homes[leg.home].family
            guard !isOwn || memory[family].isEmpty, let nearest = lookup.representative, let farthest = nearest.last
            else { continue }
            let share = Double((farthest.id ^ running.target).high) * 0x1p-64
            memory[family].add(distance: share, count: nearest.count)
        }
    }
}
