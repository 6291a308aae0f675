import KRPC
import Primitives

/// Sybils around the target: how they are noticed, and where an announce goes all the same.
extension Lookup {
    /// The k-th node of an honest network lies within this share of its expected distance once in a thousand times
    /// (k = 8).
    private static let implausiblyNear = 0.25
    /// Networks as large as a /6 (IPv4) or a /16 (IPv6) among the k nearest; two or fewer are chance once in ten
    /// thousand times even if the DHT lived in eight of them only (pubky/mainline counts /6 too).
    private static let usualNetworks = 3

    /// Whether the k nearest nodes that answered are nearer, or more closely related, than those of a network of this
    /// size would be.
    var looksBesieged: Bool {
        guard rules.networkMode == .public, rules.search.storeSet == .region, rules.k >= 8 else { return false }
        let nearest = order.lazy.map { candidates[Int($0)] }.filter { $0.state == .answered }.prefix(rules.k)
        guard nearest.count == rules.k, let last = nearest.last else { return false }
        if let neighbourhood = rules.neighbourhood,
            distanceShare(of: last) < neighbourhood * Self.implausiblyNear
        {
            return true
        }
        var networks: Set<UInt64> = []
        for candidate in nearest { networks.insert(Self.largeNetwork(of: candidate.contact.endpoint)) }
        return networks.count < Self.usualNetworks
    }

    /// The k nearest that answered, if they can be used to estimate the size of the network: as many as that, and at
    /// least half of them under an id that their address allows.
    ///
    /// A lookup that passed over the others counts those only that it did not.
    var representative: [Contact]? {
        let answered = order.lazy.map { candidates[Int($0)] }
            .filter { $0.state == .answered && ($0.isSecure || !rules.isWary) }.prefix(rules.k)
        let isFair = answered.count { $0.isSecure } * 2 >= rules.k
        return answered.count == rules.k && isFair ? answered.map(\.contact) : nil
    }

    /// Those that are to store an announce, nearest first.
    func storeSet() -> [Int] {
        let givers = order.map { Int($0) }.filter { candidates[$0].state == .answered && !candidates[$0].token.isEmpty }
        guard rules.search.storeSet == .region, rules.networkMode == .public else {
            return Array(givers.prefix(rules.k))
        }
        var chosen: [Int] = []
        var networks: Set<UInt64> = []
        var counted = 0
        for giver in givers {
            let candidate = candidates[giver]
            // Those that do not count are no help, but the nearest of them is where others look.
            let isSuspect = (isBesieged || rules.isWary) && !candidate.isSecure
            if isSuspect, chosen.count - counted >= rules.k { continue }
            let isWithin = rules.neighbourhood.map { distanceShare(of: candidate) <= $0 } ?? false
            guard counted < rules.k || isWithin || networks.count < Self.usualNetworks,
                chosen.count < rules.search.storeLimit
            else { break }
            chosen.append(giver)
            if isSuspect { continue }
            counted += 1
            networks.insert(Self.largeNetwork(of: candidate.contact.endpoint))
        }
        return chosen
    }

    /// How far from the target a candidate is, as a share of the key space.
    func distanceShare(of candidate: Candidate) -> Double {
        Double((candidate.contact.id ^ target).high) * 0x1p-64
    }

    private static func largeNetwork(of endpoint: Endpoint) -> UInt64 {
        switch endpoint {
        case .v4(let endpoint): UInt64(endpoint.address >> 26)
        case .v6(let endpoint): endpoint.high >> 48
        }
    }
}
