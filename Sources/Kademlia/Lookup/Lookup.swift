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
        if position < order.count, candidates[Int(order[position])].contact.id == contact.id {
            let index = Int(order[position])
            if candidates[index].contact == contact { candidates[index].mentions = candidates[index].mentions + 1 & 63 }
            return .known
        }
        guard hasRoomBesideRelatives(contact.endpoint) else { return .refused }
        let isSecure = !rules.prefersSecureIDs || SecureID.isValid(contact.id, for: contact.endpoint)
        guard let index = slot(forPosition: position, isSecure: isSecure) else { return .refused }
        // The one that made room may have been nearer than the newcomer.
        order.insert(UInt16(index), at: self.position(of: contact.id))
        candidates[index] = Candidate(
            contact: contact, provenance: provenance, roundTrip: roundTrip, mentions: 1, isSecure: isSecure)
        return .taken
    }

    /// One address is asked once (public mode), whatever ids it goes by, and few of one network: sybils are cheap,
    /// addresses are not.
    private func hasRoomBesideRelatives(_ endpoint: Endpoint) -> Bool {
        let source = rules.networkMode.source(of: endpoint)
        let network = rules.networkMode == .public ? endpoint.network : nil
        var relatives = 0
        let candidates = candidates.span
        for index in candidates.indices {
            let other = candidates[index].contact.endpoint
            if rules.networkMode.source(of: other) == source { return false }
            if let network, other.network == network { relatives += 1 }
        }
        return network == nil || relatives < rules.search.candidatesPerPrefix
    }

    /// A bootstrap endpoint to start from while the list is short.
    package mutating func offerSeed(_ endpoint: Endpoint) {
        guard phase == .searching, !seeds.contains(where: { $0.endpoint == endpoint }) else { return }
        seeds.append(Seed(endpoint: endpoint))
    }

    private func position(of id: NodeID) -> Int {
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

    /// How far from a target the k-th node of the network is to be expected, as a share of the key space.
    var neighbourhood: Double? { networkSize.map { Double(k) / max($0, 1) } }
}
