package import KRPC
package import Primitives

/// The search: facts about those asked, and the choice of whom to ask next.
extension Lookup {
    private static let seedPause = Duration.seconds(1)
    private static let longestSeedPause = Duration.seconds(15)

    /// What to do now; nil when there is only waiting to do.
    package mutating func next(now: Instant) -> Step? {
        wakesAt = nil
        switch phase {
        case .searching: return nextSearchStep(now: now)
        case .announcing: return nextStoreStep(now: now)
        case .finished: return nil
        }
    }

    /// An answer came, from the node that was believed to be there; for a seed, `contact` says who that is.
    package mutating func answered(_ asked: Asked, by contact: Contact, token: [UInt8]) {
        switch asked {
        case .candidate(let index):
            guard candidates.indices.contains(index) else { return }
            if candidates[index].contact.id != contact.id, !rename(index, to: contact.id) {
                return failed(.candidate(index))
            }
            markAnswered(index, token: token)
        case .seed(let index):
            guard seeds.indices.contains(index) else { return }
            seeds[index].state = .answered
            _ = offer(contact)
            guard let index = order.first(where: { candidates[Int($0)].contact == contact }) else { return }
            markAnswered(Int(index), token: token)
        }
    }

    /// Another id answered than the candidate was named under: it counts under its own one, if that is no nearer to the
    /// target or its address allows it.
    ///
    /// Honest nodes can be named under wrong ids near the target; those who choose their ids themselves gain nothing.
    private mutating func rename(_ index: Int, to id: NodeID) -> Bool {
        let candidate = candidates[index]
        let isPending = candidate.state == .asked || candidate.state == .stalled
        guard phase == .searching, isPending, id != ownID else { return false }
        let isSecure = rules.prefersSecureIDs && SecureID.isValid(id, for: candidate.contact.endpoint)
        guard isSecure || id.distance(to: target) > candidate.contact.id.distance(to: target) else { return false }
        guard let rank = order.firstIndex(of: UInt16(index)) else { return false }
        order.remove(at: rank)
        candidates[index].contact = Contact(id: id, endpoint: candidate.contact.endpoint)
        candidates[index].isSecure = isSecure || !rules.prefersSecureIDs
        order.insert(UInt16(index), at: position(of: id))
        return true
    }

    private mutating func markAnswered(_ index: Int, token: [UInt8]) {
        guard phase == .searching, candidates[index].state != .answered else { return }
        // One id counts once, from wherever it answers.
        let id = candidates[index].contact.id
        var rank = position(of: id)
        while rank < order.count, candidates[Int(order[rank])].contact.id == id {
            if candidates[Int(order[rank])].state == .answered { return failed(.candidate(index)) }
            rank += 1
        }
        candidates[index].state = .answered
        candidates[index].token = token
        answeredCount += 1
    }

    /// Silent for the stall timeout: somebody else may be asked in its place.
    package mutating func stalled(_ asked: Asked, now: Instant) {
        switch asked {
        case .candidate(let index):
            guard candidates.indices.contains(index), candidates[index].state == .asked else { return }
            candidates[index].state = .stalled
            releaseDeferred(besides: candidates[index].contact.endpoint)
        case .seed(let index):
            guard seeds.indices.contains(index), seeds[index].state == .asked else { return }
            seeds[index].state = .stalled
            let pause = Self.seedPause * (1 << min(seeds[index].attempts - 1, 4))
            seeds[index].retriesAt = now + min(pause, Self.longestSeedPause)
        }
    }

    /// Silent for good, or not who it was said to be.
    ///
    /// A seed gets other chances by itself.
    package mutating func failed(_ asked: Asked) {
        guard case .candidate(let index) = asked, candidates.indices.contains(index) else { return }
        if candidates[index].state == .asked || candidates[index].state == .stalled {
            candidates[index].state = .failed
            releaseDeferred(besides: candidates[index].contact.endpoint)
        }
    }

    /// The query could not be sent: it counts as never asked, and is tried again when `next` is called next.
    package mutating func unsent(_ asked: Asked, retryAt: Instant) {
        switch asked {
        case .candidate(let index):
            candidates[index].attempts -= 1
            candidates[index].state = candidates[index].attempts == 0 ? .fresh : .stalled
            if candidates[index].attempts == 0 { queriedCount -= 1 } else { resendCount -= 1 }
        case .seed(let index):
            seeds[index].state = .fresh
            seeds[index].attempts -= 1
            if seeds[index].attempts == 0 { queriedCount -= 1 }
        }
        wakesAt = retryAt
    }

    private mutating func nextSearchStep(now: Instant) -> Step? {
        guard now < endsAt else { return endSearch(now: now) }
        if rules.prefersSeeds, let step = askSeed(now: now) { return step }
        var head = head()
        if head.choice == nil, head.isDry, isBesieged || rules.isWary && !isSecureOutstanding {
            head = self.head(includingInsecure: true)
        }
        if let choice = head.choice { return ask(choice, now: now) }
        isHungry = head.isDry
        guard isHungry else {
            guard head.load == 0 else { return nil }
            guard isBesieged || !looksBesieged else {
                isBesieged = true
                return nextSearchStep(now: now)
            }
            return endSearch(now: now)
        }
        let seedsAsked = seeds.count { $0.state == .asked }
        if head.load + Double(seedsAsked) < head.limit, let step = askSeed(now: now) { return step }
        return head.load == 0 && seedsAsked == 0 ? settle(now: now) : nil
    }

    /// Whether a node whose address allows its id may still answer, and name others like it.
    private var isSecureOutstanding: Bool {
        order.contains { candidates[Int($0)].state == .asked && candidates[Int($0)].isSecure }
    }

    /// Everybody was asked, and those who have not answered have stalled.
    private mutating func settle(now: Instant) -> Step? {
        let again = order.first {
            candidates[Int($0)].state == .stalled && candidates[Int($0)].attempts < rules.search.attempts
        }
        if let again { return ask(Int(again), now: now) }
        // Nobody at all: the network may be down, the bootstrap endpoints not up yet. Contacts may turn up.
        guard answeredCount > 0 else {
            let retries = seeds.lazy.filter { $0.state == .stalled }.map(\.retriesAt).min()
            wakesAt = min(retries ?? endsAt, endsAt)
            return nil
        }
        let isWaiting = order.contains { candidates[Int($0)].state == .stalled }
        let settledAt = lastAskedAt + rules.search.settleTimeout
        guard isWaiting, now < settledAt else { return endSearch(now: now) }
        wakesAt = min(settledAt, endsAt)
        return nil
    }

    private mutating func ask(_ index: Int, now: Instant) -> Step {
        candidates[index].state = .asked
        candidates[index].attempts += 1
        if candidates[index].attempts == 1 { queriedCount += 1 } else { resendCount += 1 }
        lastAskedAt = now
        let contact = candidates[index].contact
        return .ask(.candidate(index), contact.endpoint, id: contact.id)
    }

    private mutating func askSeed(now: Instant) -> Step? {
        let index = seeds.firstIndex {
            $0.state == .fresh || $0.state == .stalled && answeredCount == 0 && $0.retriesAt <= now
        }
        guard let index else { return nil }
        seeds[index].state = .asked
        seeds[index].attempts += 1
        if seeds[index].attempts == 1 { queriedCount += 1 }
        lastAskedAt = now
        return .ask(.seed(index), seeds[index].endpoint, id: nil)
    }

    /// What was looked for is found: nobody else need be asked.
    package mutating func stop() {
        isHungry = false
        phase = .finished
    }

    private mutating func endSearch(now: Instant) -> Step? {
        isHungry = false
        if rules.announces {
            stores = storeSet().map { Store(candidate: $0) }
        }
        guard stores.isEmpty else {
            phase = .announcing
            return nextStoreStep(now: now)
        }
        phase = .finished
        return .finish
    }
}
