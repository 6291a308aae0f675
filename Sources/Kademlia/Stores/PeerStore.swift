package import Primitives

/// The peers that were announced to us, by infohash and family; shared by all homes.
///
/// Bounded in infohashes and in peers of each. Each infohash is charged to a network that announces it. When the
/// infohashes are full, or the share of a network is used up, the network with the most makes room: one network
/// displaces its own and no others.
package struct PeerStore: Sendable {
    package enum Outcome: Equatable, Sendable {
        case added, renewed
        /// Nothing is stored here, or all peers of a full list are from networks of their own and this one was not
        /// chosen to displace one.
        case refused
    }

    struct Swarm: Sendable {
        let infoHash: InfoHash
        /// The peer whose host and network the infohash is charged to.
        var holder: Endpoint
        var v4 = PeerList<EndpointV4>()
        var v6 = PeerList<EndpointV6>()
        /// Made when somebody asks for them.
        var filters = Boxed<ScrapeFilters>()

        var peerCount: Int { v4.count + v6.count }
    }

    @Shared private var limits: Configuration.Limits
    private let lifetime: Duration
    private let isPublic: Bool
    private let sharesStores: Bool
    private(set) var index: [InfoHash: Int] = [:]
    var swarms: [Swarm] = []
    /// The networks that hold infohashes; made when there are as many as the share of a network.
    private var holders = Boxed<HolderTable<InfoHash>>()
    /// The key of `PeerListRules.hash`, drawn with the first announce.
    private var key = Boxed<KeyedHash>()
    private var sweepPosition = 0

    package private(set) var evictedInfoHashCount = 0
    package private(set) var evictedPeerCount = 0
    package private(set) var peerCount = 0

    package init(configuration: Configuration) {
        _limits = configuration.$limits
        lifetime = configuration.peerLifetime
        isPublic = configuration.networkMode == .public
        sharesStores = configuration.sharesStores
    }

    package var infoHashCount: Int { swarms.count }

    package mutating func announce(
        _ infoHash: InfoHash, peer: Endpoint, isSeed: Bool = false, now: Instant,
        using generator: inout SeededGenerator
    ) -> Outcome {
        guard limits.infoHashCount > 0, limits.peersPerInfoHash > 0 else { return .refused }
        if key.isEmpty { key = Boxed(KeyedHash(key: (generator.next(), generator.next()))) }
        let position = index[infoHash] ?? add(infoHash, heldBy: peer, using: &generator)
        let before = swarms[position].peerCount
        let hasShares = isPublic && sharesStores
        let rules = PeerListRules(
            expiry: now + lifetime, now: now, peerLimit: limits.peersPerInfoHash,
            hostLimit: hasShares ? max(1, limits.peersPerAddress) : .max,
            prefixLimit: hasShares ? max(1, limits.peersPerNetwork) : .max, sharesRoom: sharesStores, hash: key.value)
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

    private mutating func add(
        _ infoHash: InfoHash, heldBy holder: Endpoint, using generator: inout SeededGenerator
    ) -> Int {
        let share = isPublic ? limits.infoHashesPerNetwork : .max
        if sharesStores, holders.isEmpty, swarms.count >= min(share, limits.infoHashCount) { countHolders() }
        if !holders.isEmpty, holders.value.count(ofPrefixOf: holder) >= share {
            evict(fromPrefixOf: holder)
        } else if swarms.count >= limits.infoHashCount {
            if sharesStores { evict() } else { evict(at: Int.random(in: swarms.indices, using: &generator)) }
        }
        index[infoHash] = swarms.count
        swarms.append(Swarm(infoHash: infoHash, holder: holder))
        if !holders.isEmpty { holders.value.insert(infoHash, heldBy: holder) }
        return swarms.count - 1
    }

    private mutating func remove(at position: Int) {
        index[swarms[position].infoHash] = nil
        if !holders.isEmpty { holders.value.remove(swarms[position].infoHash) }
        let last = swarms.removeLast()
        guard position < swarms.count else { return }
        swarms[position] = last
        index[last.infoHash] = position
    }
}

// MARK: - Shares

extension PeerStore {
    /// How many infohashes of the greediest host are looked at to find one that can go.
    private static let victimsConsidered = 8

    private mutating func countHolders() {
        var table = HolderTable<InfoHash>()
        for swarm in swarms { table.insert(swarm.infoHash, heldBy: swarm.holder) }
        holders = Boxed(table)
    }

    /// Forgets an infohash of the greediest network, or of this one.
    ///
    /// Of a few that its greediest host has had for the longest time, the one with the fewest peers goes. The others
    /// count as new again.
    ///
    /// An infohash that another network announces as well is charged to that one instead, so that the first who
    /// announces an infohash cannot take it along.
    private mutating func evict(fromPrefixOf endpoint: Endpoint? = nil) {
        var victim: InfoHash?
        for _ in 0..<Self.victimsConsidered {
            guard let next = greediest(inPrefixOf: endpoint), next != victim, let position = index[next] else { break }
            if recharge(position) { continue }
            let isPoorer = victim.flatMap { index[$0] }.map { swarms[position].peerCount < swarms[$0].peerCount }
            if isPoorer ?? true { victim = next }
            guard swarms[position].peerCount > 1 else { break }
            holders.value.remove(next)
            holders.value.insert(next, heldBy: swarms[position].holder)
        }
        guard let last = victim ?? greediest(inPrefixOf: endpoint), let position = index[last] else { return }
        evict(at: position)
    }

    private func greediest(inPrefixOf endpoint: Endpoint?) -> InfoHash? {
        guard let endpoint else { return holders.value.greediest }
        return holders.value.greediest(inPrefixOf: endpoint)
    }

    private mutating func evict(at position: Int) {
        peerCount -= swarms[position].peerCount
        evictedInfoHashCount += 1
        remove(at: position)
    }

    /// Charges an infohash to another network that announces it and holds less; false if there is none.
    private mutating func recharge(_ position: Int) -> Bool {
        let swarm = swarms[position]
        let held = holders.value.count(ofPrefixOf: swarm.holder)
        let others = (swarm.v4.ends + swarm.v6.ends).filter { $0.prefix != swarm.holder.prefix }
        let other = others.min { holders.value.count(ofPrefixOf: $0) < holders.value.count(ofPrefixOf: $1) }
        guard let other, holders.value.count(ofPrefixOf: other) < held - 1 else { return false }
        holders.value.remove(swarm.infoHash)
        swarms[position].holder = other
        holders.value.insert(swarm.infoHash, heldBy: other)
        return true
    }
}
