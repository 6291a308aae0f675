package import KRPC
package import Primitives

/// A DHT node: routing tables, lookups, stores and limits behind five verbs.
///
/// `Kademlia.swift` has its contract.
package struct Node: Sendable {
    package let configuration: Configuration
    package internal(set) var homes: [Home]
    var generator: SeededGenerator
    var tokens: Tokens
    var store: PeerStore
    /// None until somebody stores an item (BEP 44).
    var items = Boxed<ItemStore>()
    /// None until somebody asks for one (BEP 51).
    var sample = Boxed<InfoHashSample>()
    /// Items of our own that are kept up.
    var publications = Publications()
    var sampleSchedule = Boxed<SampleSchedule>()
    /// None until the first packet, and while their limits are lifted.
    var answerBudget = Boxed<AnswerBudget>()
    var queryBudget = Boxed<QueryBudget>()
    var transactions: Transactions
    var lookups: Lookups
    var memory: SearchMemory
    /// Where to start from, in the order in which they were given.
    var bootstrapEndpoints: [Endpoint] = []
    var unverified: UnverifiedQueue
    var nextVerification: Instant
    var nextUpkeep: Instant
    var checksDone = 0
    /// When anybody's packet came last: if nobody's did since a query was sent, the silence may be our own.
    var lastReceived: Instant
    @Shared var counters = Statistics()
    /// When `timedOut` wants to be called; nil for never.
    ///
    /// Stored, and renewed at the end of each fact, so that looking at it costs a driver nothing.
    package private(set) var nextDeadline: Instant?

    /// Homes are known by their index from here on; there is at most one for each local address.
    ///
    /// - Parameters:
    ///   - state: what an earlier node saved; its homes are matched to these by address and family.
    ///   - generator: the source of all randomness: ids, transactions, tokens, samples.
    package init(
        configuration: Configuration, homes: [HomeSetup], restoring state: NodeState? = nil,
        generator: SeededGenerator, now: Instant
    ) {
        var generator = generator
        self.configuration = configuration
        let saved = state?.matches(for: homes.map(\.local)) ?? []
        self.homes = homes.indices.map { index in
            let savedID = saved.isEmpty ? nil : saved[index]?.usableID(configuration)
            let id = homes[index].id ?? savedID ?? .random(using: &generator)
            return Home(homes[index], id: id, configuration: configuration)
        }
        let limits = configuration.limits
        tokens = Tokens(rotation: configuration.tokenRotation, generator: generator.split(), now: now)
        store = PeerStore(configuration: configuration)
        transactions = Transactions(
            limit: limits.transactionCount, timeout: configuration.search.queryTimeout, generator: generator.split())
        lookups = Lookups(limit: limits.lookupCount)
        unverified = UnverifiedQueue(mode: configuration.networkMode)
        memory = SearchMemory(key: (generator.next(), generator.next()), mode: configuration.networkMode)
        self.generator = generator
        nextVerification = now
        nextUpkeep = now + configuration.table.fillingInterval
        lastReceived = now
        for (index, match) in saved.enumerated() {
            guard let match else { continue }
            counters.refused.contacts += self.homes[index].restore(match, configuration, now: now)
        }
        renewDeadline()
    }

    /// A datagram arrived at `home`; its bytes are not kept.
    package mutating func received(
        _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
    ) {
        guard homes.indices.contains(home), source.family == homes[home].family, source.port != 0,
            !isOwn(source, at: home)
        else {
            counters.refused.impossibleSource += 1
            return
        }
        lastReceived = now
        // A node with nothing to keep up has let its time pass: what it gets now is not overdue.
        if !needsUpkeep { nextUpkeep = max(nextUpkeep, now) }
        handle(packet, from: source, at: home, now: now, into: &outbox)
        renewDeadline()
    }

    private mutating func handle(
        _ packet: RawSpan, from source: Endpoint, at home: HomeIndex, now: Instant, into outbox: inout Outbox
    ) {
        let message: Message
        do {
            message = try Message.decode(packet)
        } catch .refused(let transaction, let refusal) {
            let origin = Origin(endpoint: source, home: home, transaction: transaction)
            refuse(origin, refusal.code, refusal.text, packet: packet, now: now, into: &outbox)
            return
        } catch {
            counters.refused.malformed += 1
            return
        }
        switch message.body {
        case .query(let query):
            let origin = Origin(endpoint: source, home: home, transaction: message.transaction)
            queried(query, message, packet, origin, now: now, into: &outbox)
        case .response(let response):
            responded(response, message, packet, from: source, at: home, now: now, into: &outbox)
        case .error:
            refusedByOther(message, packet, from: source, at: home, now: now, into: &outbox)
        }
    }

    /// `nextDeadline` has come: early, late or once too often does no harm.
    package mutating func timedOut(now: Instant, into outbox: inout Outbox) {
        while let due = transactions.popDue(now: now) {
            switch due {
            case .stalled(let transaction): stalled(transaction, now: now, into: &outbox)
            case .timedOut(let transaction): timedOut(transaction, now: now, into: &outbox)
            }
        }
        while let reference = lookups.popDue(now: now) { advance(reference, now: now, into: &outbox) }
        verifyIfDue(now: now, into: &outbox)
        upkeepIfDue(now: now, into: &outbox)
        for home in homes.indices { lookUpSelfIfDue(home, now: now, into: &outbox) }
        while let due = publications.popDue(now: now) { publish(due, now: now, into: &outbox) }
        renewDeadline()
    }

    package mutating func command(_ command: Command, now: Instant, into outbox: inout Outbox) {
        switch command {
        case .bootstrap(let endpoints): bootstrap(from: endpoints, now: now, into: &outbox)
        case .lookup(let id, let target, let purpose): lookUp(id, target, purpose, now: now, into: &outbox)
        case .publish(let id, let item): publish(item, under: id, now: now, into: &outbox)
        case .cancel(let id):
            publications.remove(id)
            cancel(id)
        case .ping(let endpoint): ping(endpoint, now: now, into: &outbox)
        case .contact(let endpoint):
            for home in homes.indices where homes[home].family == endpoint.family {
                enqueue(Unverified(endpoint: endpoint, id: nil, home: home), now: now)
            }
        }
        renewDeadline()
    }

    /// Packets leave from `home` again, whose socket is at `local` now: what did not answer meanwhile may be there.
    package mutating func homeReturned(
        _ home: HomeIndex, at local: Endpoint, now: Instant, into outbox: inout Outbox
    ) {
        guard homes.indices.contains(home), local.family == homes[home].family else { return }
        homes[home].moved(to: local)
        homes[home].failedSelfLookups = 0
        memory.failures.forgetAll()
        if homes[home].isSelfLookupRunning {
            // It waits for nodes that heard nothing, and may be over without any.
            pingNearest(home, now: now, into: &outbox)
        } else {
            homes[home].selfLookupAt = now
            lookUpSelfIfDue(home, now: now, into: &outbox)
        }
        nextUpkeep = now
        renewDeadline()
    }

    private mutating func renewDeadline() {
        var deadline = Instant.distantFuture
        if let next = transactions.nextDeadline { deadline = min(deadline, next) }
        if let next = lookups.nextDeadline { deadline = min(deadline, next) }
        if !unverified.isEmpty { deadline = min(deadline, nextVerification) }
        if needsUpkeep { deadline = min(deadline, nextUpkeep) }
        if let next = publications.nextDeadline { deadline = min(deadline, next) }
        for home in homes.indices {
            // Through a span: a home taken out of the array would be copied, with its tables, for every packet.
            if let next = homes.span[home].selfLookupAt { deadline = min(deadline, next) }
            if !homes.span[home].restored.isEmpty { deadline = min(deadline, nextVerification) }
        }
        nextDeadline = deadline == .distantFuture ? nil : deadline
    }

    /// What somebody stored with us (BEP 44).
    package func storedItem(of target: ID160, now: Instant) -> Item? {
        items.isEmpty ? nil : items.value.item(of: target, now: now)
    }

    /// Whether anybody announced this infohash to us lately.
    package func storesPeers(of infoHash: InfoHash) -> Bool {
        store.peerCount(of: infoHash, family: .v4) + store.peerCount(of: infoHash, family: .v6) > 0
    }

    package var statistics: Statistics {
        var statistics = counters
        for home in homes {
            statistics.contactsV4 += home.tableV4.contacts.count
            statistics.contactsV6 += home.tableV6.contacts.count
            statistics.table += home.tableV4.counters
            statistics.table += home.tableV6.counters
            statistics.replacements += home.tableV4.replacements.count + home.tableV6.replacements.count
        }
        statistics.transactionsInFlight = transactions.count
        statistics.lookupsRunning = lookups.count
        statistics.unverifiedContacts = unverified.count
        statistics.infoHashes = store.infoHashCount
        statistics.peersStored = store.peerCount
        statistics.items = items.isEmpty ? 0 : items.value.count
        statistics.publications = publications.count
        statistics.refused.evictedItems = items.isEmpty ? 0 : items.value.evictedCount
        statistics.refused.forgottenSamples = sampleSchedule.isEmpty ? 0 : sampleSchedule.value.forgottenCount
        statistics.refused.evictedInfoHashes = store.evictedInfoHashCount
        statistics.refused.evictedPeers = store.evictedPeerCount
        describeBudgets(&statistics)
        statistics.stallTimeout = stallTimeout
        memory.describe(&statistics.search)
        return statistics
    }
}
