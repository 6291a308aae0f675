package import KRPC
package import Primitives

/// One walk towards a target within one family: who to ask next, and when it is over.
///
/// The candidates are sorted by distance. Up to alpha queries are kept outstanding among the head of the list, which
/// is everything up to the k-th node that has answered; a query that stalls frees its place, but its answer counts
/// whenever it comes. The search ends when the k nearest live candidates have answered. An announce then follows to
/// those of them that gave a token.
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
    package mutating func offer(_ contact: Contact) -> Offer {
        guard phase == .searching, contact.id != ownID else { return .refused }
        // Its answer as a seed is on the way.
        guard !seeds.contains(where: { $0.state == .asked && $0.endpoint == contact.endpoint }) else { return .refused }
        let position = position(of: contact.id)
        if position < order.count, candidates[Int(order[position])].contact.id == contact.id { return .known }
        let source = rules.networkMode.source(of: contact.endpoint)
        // One address is asked once (public mode), whatever ids it goes by: sybils are cheap, addresses are not.
        let isTaken = order.contains { rules.networkMode.source(of: candidates[Int($0)].contact.endpoint) == source }
        guard !isTaken else { return .refused }
        guard let index = slot(forPosition: position) else { return .refused }
        order.insert(UInt16(index), at: position)
        candidates[index] = Candidate(contact: contact)
        return .taken
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
    private mutating func slot(forPosition position: Int) -> Int? {
        guard candidates.count >= rules.candidateLimit else {
            candidates.append(.vacant)
            return candidates.count - 1
        }
        guard let farthest = order.lastIndex(where: { candidates[Int($0)].state == .fresh }), farthest >= position
        else { return nil }
        return Int(order.remove(at: farthest))
    }
}

/// The settings of a node that its lookups need.
package struct LookupRules: Sendable {
    var k: Int
    var search: SearchRules
    var candidateLimit: Int
    var networkMode: NetworkMode
    /// Tokens are collected, and announced with at the end.
    var announces: Bool
    /// Seeds are asked first of all, and not only when the list runs out.
    var prefersSeeds: Bool

    package init(_ configuration: Configuration, announces: Bool, prefersSeeds: Bool = false) {
        k = configuration.bucketSize
        search = configuration.search
        candidateLimit = min(max(configuration.limits.candidatesPerLookup, 1), Int(UInt16.max))
        networkMode = configuration.networkMode
        self.announces = announces
        self.prefersSeeds = prefersSeeds
    }
}
