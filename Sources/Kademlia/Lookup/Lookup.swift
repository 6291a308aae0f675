package import KRPC
package import Primitives

/// One walk towards a target within one family: who to ask next, and when it is over.
///
/// The candidates are sorted by distance. A few queries are kept outstanding among the head of the list, which
/// is everything up to the k-th node that has answered; a query that stalls frees its place, but its answer counts
/// whenever it comes. The search ends when the k nearest live candidates have answered. An announce then follows to
/// those of them that gave a token. `SearchRules` has the fine print.
///
/// Call `next` after every fact until it returns nil; look at `wakesAt` then.
package struct Lookup: Sendable {
    /// Whom a query was sent to.
    package enum Asked: Equatable, Sendable {
        case candidate(Int)
        /// A bootstrap endpoint, whose id is not known.
        case seed(Int)
    }

    package enum Step: Equatable, Sendable {
        /// Ask this node about the target; `id` is who we believe it is.
        case ask(Asked, Endpoint, id: NodeID?)
        /// Announce to this node, with the token it gave.
        case announce(store: Int, Contact, token: [UInt8])
        /// Ask this node for another token, to announce again.
        case refreshToken(store: Int, Contact)
        case finish
    }

    package enum Phase: Equatable, Sendable {
        /// Can become `announcing` or `finished`.
        case searching
        /// Can become `finished`.
        case announcing
        case finished
    }

    let target: ID160
    let ownID: NodeID
    let rules: LookupRules
    let startedAt: Instant
    package internal(set) var phase = Phase.searching
    /// All candidates ever taken; an index stays valid until its candidate makes room unasked.
    var candidates: [Candidate] = []
    /// Indices of candidates, nearest first.
    var order: [UInt16] = []
    var seeds: [Seed] = []
    /// Contacts that are offered again when a candidate of their network is silent.
    var deferred: [Contact] = []
    var stores: [Store] = []
    var lastAskedAt: Instant
    /// The nearest nodes are too many or too much alike to be chance: from now on only nodes whose address allows their
    /// id count, and the search goes on to where the network would end it.
    package internal(set) var isBesieged = false
    package internal(set) var resendCount = 0
    /// The list is exhausted without k answers: every new contact is welcome.
    package internal(set) var isHungry = true
    /// When `next` has to be called even if no query is answered, stalls or fails until then.
    package internal(set) var wakesAt: Instant?
    package internal(set) var queriedCount = 0
    package internal(set) var answeredCount = 0

    package init(target: ID160, ownID: NodeID, rules: LookupRules, now: Instant) {
        self.target = target
        self.ownID = ownID
        self.rules = rules
        startedAt = now
        lastAskedAt = now
    }

    /// The k nearest nodes that answered.
    package var closest: [Contact] {
        order.lazy.map { candidates[Int($0)] }.filter { $0.state == .answered }.prefix(rules.k).map(\.contact)
    }

    var endsAt: Instant { startedAt + rules.search.lifetime }

    package enum Offer: Equatable, Sendable {
        case taken, known
        /// Our own id, an address that was or will be asked anyway, or farther than all of a full list.
        case refused
    }

    /// Somebody, or our table, knows this node.
    ///
    /// - Parameter roundTrip: what its answers take, where we know.
    package mutating func offer(
        _ contact: Contact, _ provenance: Provenance = .hearsay, roundTrip: Duration? = nil
    ) -> Offer {
        guard phase == .searching, contact.id != ownID else { return .refused }
        // Its answer as a seed is on the way.
        guard !seeds.contains(where: { $0.state == .asked && $0.endpoint == contact.endpoint }) else { return .refused }
        let position = position(of: contact.id)
        var twins = 0
        while position + twins < order.count {
            let index = Int(order[position + twins])
            guard candidates[index].contact.id == contact.id else { break }
            if candidates[index].contact == contact {
                candidates[index].mentions = candidates[index].mentions + 1 & 63
                return .known
            }
            twins += 1
        }
        // The node that named the id first may have named a wrong endpoint for it.
        guard twins < Self.endpointsPerID else { return .refused }
        let isSecure = !rules.prefersSecureIDs || SecureID.isValid(contact.id, for: contact.endpoint)
        switch room(for: contact.endpoint, isSecure: isSecure) {
        case .free: break
        case .taken: return .refused
        case .pending:
            if deferred.count < Self.deferredLimit { deferred.append(contact) }
            return .refused
        }
        guard let index = slot(forPosition: position, isSecure: isSecure) else { return .refused }
        // The one that made room may have been nearer than the newcomer.
        order.insert(UInt16(index), at: self.position(of: contact.id))
        candidates[index] = Candidate(
            contact: contact, provenance: provenance, roundTrip: roundTrip, mentions: 1, isSecure: isSecure)
        return .taken
    }

    private static let endpointsPerID = 2
    /// Contacts that wait for another one of their host or network to answer or to fall silent.
    private static let deferredLimit = 16
    /// Attempts at one host, in public mode: at others of its ports, or under other ids.
    private static let candidatesPerHost = 3
    /// Attempts at one network for each candidate that it may have at a time.
    private static let attemptsPerCandidate = 4

    private enum Room {
        case free, taken
        /// Another one of the host or network is to answer first.
        case pending
    }

    /// One address is asked once at a time (public mode), whatever ids it goes by, and few of one network: sybils are
    /// cheap, addresses are not.
    ///
    /// What was silent is no longer in the way, nor is an id that its address does not allow in the way of one that is
    /// allowed: anybody can name an honest host at a wrong port or under a wrong id.
    private func room(for endpoint: Endpoint, isSecure: Bool) -> Room {
        guard rules.networkMode == .public else {
            return candidates.contains { $0.contact.endpoint == endpoint } ? .taken : .free
        }
        let (host, prefix) = (endpoint.host, endpoint.prefix)
        var (ofHost, ofPrefix, inTheWay) = (0, 0, 0)
        let candidates = candidates.span
        for index in candidates.indices {
            let other = candidates[index].contact.endpoint
            guard other.family == endpoint.family, other.prefix == prefix else { continue }
            ofPrefix += 1
            let isOfHost = other.host == host
            let isPending = candidates[index].state == .fresh || candidates[index].state == .asked
            if isOfHost {
                ofHost += 1
                if other == endpoint || candidates[index].state == .answered { return .taken }
                if isPending, candidates[index].isSecure || !isSecure { return .pending }
            }
            let counts = isPending || candidates[index].state == .answered
            if counts, candidates[index].isSecure || !isSecure { inTheWay += 1 }
        }
        guard ofPrefix > 0 else { return .free }
        let (attempts, isUnlimited) = rules.search.candidatesPerPrefix.multipliedReportingOverflow(
            by: Self.attemptsPerCandidate)
        guard ofHost < Self.candidatesPerHost, isUnlimited || ofPrefix < attempts else { return .taken }
        return inTheWay < rules.search.candidatesPerPrefix ? .free : .pending
    }

    /// A candidate was silent: those that waited for its host or network have a chance.
    mutating func releaseDeferred(besides endpoint: Endpoint) {
        guard !deferred.isEmpty else { return }
        let waiting = deferred.filter { $0.endpoint.prefix == endpoint.prefix }
        deferred.removeAll { $0.endpoint.prefix == endpoint.prefix }
        for contact in waiting { _ = offer(contact) }
    }

    /// A bootstrap endpoint to start from while the list is short.
    package mutating func offerSeed(_ endpoint: Endpoint) {
        guard phase == .searching, !seeds.contains(where: { $0.endpoint == endpoint }) else { return }
        seeds.append(Seed(endpoint: endpoint))
    }

    func position(of id: NodeID) -> Int {
        let distance = id.distance(to: target)
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if candidates[Int(order[middle])].contact.id.distance(to: target) < distance {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// Room for one candidate: the farthest unasked one goes, if it is farther than the new one.
    ///
    /// Half of a full list is kept for secure ids, whose number an attacker cannot choose.
    private mutating func slot(forPosition position: Int, isSecure: Bool) -> Int? {
        guard candidates.count >= rules.candidateLimit else {
            candidates.append(.vacant)
            return candidates.count - 1
        }
        let secure = order.count { candidates[Int($0)].isSecure }
        let isProtected = rules.prefersSecureIDs && secure < rules.candidateLimit / 2
        let victim = order.lastIndex {
            candidates[Int($0)].state == .fresh && !(isProtected && candidates[Int($0)].isSecure)
        }
        guard let victim, victim >= position || isProtected && isSecure else { return nil }
        return Int(order.remove(at: victim))
    }
}

/// The settings of a node that its lookups need.
package struct LookupRules: Sendable {
    var k: Int
    @Shared var search: SearchRules
    var candidateLimit: Int
    var networkMode: NetworkMode
    /// Tokens are collected, and announced with at the end.
    var announces: Bool
    /// Seeds are asked first of all, and not only when the list runs out.
    var prefersSeeds: Bool
    /// What share of those that are only hearsay answers.
    var hearsayShare: Double
    /// How many nodes the network has; nil while there is no estimate.
    var networkSize: Double?

    /// - Parameters:
    ///   - hearsayShare: 0 to 1; taken as a tenth at least.
    package init(
        _ configuration: Configuration, announces: Bool, prefersSeeds: Bool = false, hearsayShare: Double = 0.5,
        networkSize: Double? = nil
    ) {
        k = configuration.bucketSize
        _search = configuration.$search
        candidateLimit = min(max(configuration.limits.candidatesPerLookup, 1), Int(UInt16.max))
        networkMode = configuration.networkMode
        self.announces = announces
        self.prefersSeeds = prefersSeeds
        self.hearsayShare = min(max(hearsayShare, 0.1), 1)
        self.networkSize = networkSize
    }

    /// Whether BEP 42 has a say: in private networks any address may have any id.
    var prefersSecureIDs: Bool { search.prefersSecureIDs && networkMode == .public }

    /// Whether there is no estimate yet that could tell sybils from neighbours: as long as others are known, only nodes
    /// whose address allows their id are asked, and count.
    var isWary: Bool { prefersSecureIDs && networkSize == nil }

    /// How far from a target the k-th node of the network is to be expected, as a share of the key space.
    var neighbourhood: Double? { networkSize.map { Double(k) / max($0, 1) } }
}
