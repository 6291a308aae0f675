package import Primitives

/// The peers that were announced to us, by infohash and family; shared by all homes.
///
/// Bounded in infohashes and in peers of each. When the infohashes are full, a poor one of a few drawn at random
/// makes room: a flood of one-peer infohashes mostly drives out its own, and one network may bring up only so many.
/// When the peers of one are full, a random one makes room, so that an announcer's chance of being handed out does not
/// depend on when it came.
package struct PeerStore: Sendable {
    package enum Outcome: Equatable, Sendable {
        case added, renewed
        /// Too many of this infohash from this address, or too many infohashes from this network.
        case refused
    }

    struct Swarm: Sendable {
        let infoHash: InfoHash
        /// The network of who announced it first, in public mode.
        let network: Endpoint?
        var v4 = PeerList<EndpointV4>()
        var v6 = PeerList<EndpointV6>()
        /// Made when somebody asks for them.
        var filters = Boxed<ScrapeFilters>()

        var peerCount: Int { v4.count + v6.count }
    }

    @Shared private var limits: Configuration.Limits
    private let lifetime: Duration
    private let isPublic: Bool
    private(set) var index: [InfoHash: Int] = [:]
    var swarms: [Swarm] = []
    /// How many infohashes each network was the first to announce, in public mode; never iterated.
    private var shares: [Endpoint: Int] = [:]
    private var sweepPosition = 0

    package private(set) var evictedInfoHashCount = 0
    package private(set) var evictedPeerCount = 0
    package private(set) var peerCount = 0

    package init(configuration: Configuration) {
        _limits = configuration.$limits
        lifetime = configuration.peerLifetime
        isPublic = configuration.networkMode == .public
    }

    package var infoHashCount: Int { swarms.count }

    package mutating func announce(
        _ infoHash: InfoHash, peer: Endpoint, isSeed: Bool = false, now: Instant,
        using generator: inout SeededGenerator
    ) -> Outcome {
        guard limits.infoHashCount > 0, limits.peersPerInfoHash > 0 else { return .refused }
        let network = isPublic ? peer.network : nil
        if index[infoHash] == nil, let network, shares[network] ?? 0 >= limits.infoHashesPerNetwork { return .refused }
        let position = index[infoHash] ?? makeRoom(for: infoHash, of: network, using: &generator)
        let before = swarms[position].peerCount
        let rules = PeerListRules(
            expiry: now + lifetime, now: now, peerLimit: limits.peersPerInfoHash,
            addressLimit: isPublic ? limits.peersPerAddress : .max)
        let result: (outcome: Outcome, evicted: Int)
        switch peer {
        case .v4(let address): result = swarms[position].v4.announce(address, isSeed: isSeed, rules, using: &generator)
        case .v6(let address): result = swarms[position].v6.announce(address, isSeed: isSeed, rules, using: &generator)
        }
        evictedPeerCount += result.evicted
        peerCount += swarms[position].peerCount - before
        return result.outcome
    }

    /// Appends up to `count` peers of the family, drawn so that each is equally likely to be among them.
    package func appendPeers(
        of infoHash: InfoHash, family: Endpoint.Family, upTo count: Int, withoutSeeds: Bool = false, now: Instant,
        using generator: inout SeededGenerator, to peers: inout [Endpoint]
    ) {
        guard let position = index[infoHash] else { return }
        switch family {
        case .v4:
            swarms[position].v4.sample(count, withoutSeeds: withoutSeeds, now: now, using: &generator) {
                peers.append(.v4($0))
            }
        case .v6:
            swarms[position].v6.sample(count, withoutSeeds: withoutSeeds, now: now, using: &generator) {
                peers.append(.v6($0))
            }
        }
    }

    /// How many peers of the family are held, expired ones that were not swept yet included.
    package func peerCount(of infoHash: InfoHash, family: Endpoint.Family) -> Int {
        guard let position = index[infoHash] else { return 0 }
        return family == .v4 ? swarms[position].v4.count : swarms[position].v6.count
    }

    /// Frees what has expired among the next `count` infohashes.
    ///
    /// Readers never see expired peers, swept or not.
    package mutating func sweep(_ count: Int, now: Instant) {
        for _ in 0..<min(count, swarms.count) {
            if sweepPosition >= swarms.count { sweepPosition = 0 }
            let before = swarms[sweepPosition].peerCount
            swarms[sweepPosition].v4.removeExpired(now: now)
            swarms[sweepPosition].v6.removeExpired(now: now)
            let after = swarms[sweepPosition].peerCount
            peerCount += after - before
            if after == 0 { remove(at: sweepPosition) } else { sweepPosition += 1 }
        }
    }

    private mutating func makeRoom(
        for infoHash: InfoHash, of network: Endpoint?, using generator: inout SeededGenerator
    ) -> Int {
        if swarms.count >= limits.infoHashCount {
            var victim = Int.random(in: swarms.indices, using: &generator)
            for _ in 0..<4 {
                let other = Int.random(in: swarms.indices, using: &generator)
                if swarms[other].peerCount < swarms[victim].peerCount { victim = other }
            }
            peerCount -= swarms[victim].peerCount
            evictedInfoHashCount += 1
            remove(at: victim)
        }
        index[infoHash] = swarms.count
        swarms.append(Swarm(infoHash: infoHash, network: network))
        if let network { shares[network, default: 0] += 1 }
        return swarms.count - 1
    }

    private mutating func remove(at position: Int) {
        index[swarms[position].infoHash] = nil
        if let network = swarms[position].network, let share = shares[network] {
            shares[network] = share > 1 ? share - 1 : nil
        }
        let last = swarms.removeLast()
        guard position < swarms.count else { return }
        swarms[position] = last
        index[last.infoHash] = position
    }
}
