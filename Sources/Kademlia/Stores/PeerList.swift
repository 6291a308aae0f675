import Primitives

/// What a list of peers has to keep to.
struct PeerListRules {
    var expiry: Instant
    var now: Instant
    var peerLimit: Int
    /// Peers of one address, and of one network.
    var hostLimit: Int
    var prefixLimit: Int
    /// Whether the greediest network makes room in a full list, and not a peer drawn at random.
    var sharesRoom: Bool
    /// Decides among networks that have equally many peers, unpredictably for announcers.
    var hash: KeyedHash
}

/// The announced peers of one infohash and family.
///
/// Sorted by address, so that the peers of a host, of a network and of a provider lie together: a share is counted by
/// looking at neighbours, and nothing is stored for it.
struct PeerList<Address: ContactAddress>: Sendable {
    private struct Peer {
        let address: Address
        /// It said so when it announced last (BEP 33).
        var isSeed: Bool
        /// Seconds of the caller's clock: half the size of an `Instant`.
        var expirySeconds: UInt32
    }

    private var peers: [Peer] = []
    /// How many networks the peers are of.
    private var prefixCount = 0

    var count: Int { peers.count }

    /// The peers with the lowest and with the highest address: of two networks unless all are of one.
    var ends: [Endpoint] { [peers.first, peers.last].compactMap { $0?.address.endpoint } }

    /// Adds or renews a peer.
    ///
    /// Where the share of its host or network is used up, or the list is full, another one makes room; in a full list
    /// of lone peers, that can be the newcomer.
    mutating func announce(
        _ address: Address, isSeed: Bool, _ rules: PeerListRules, using generator: inout SeededGenerator
    ) -> (outcome: PeerStore.Outcome, evicted: Int) {
        let expiry = Self.seconds(rules.expiry)
        let position = position(of: address)
        if position < peers.count, peers[position].address == address {
            peers[position].expirySeconds = expiry
            peers[position].isSeed = isSeed
            return (.renewed, 0)
        }
        if peers.count >= rules.peerLimit { removeExpired(now: rules.now) }
        var evicted = 0
        switch obstacle(to: address, rules, using: &generator) {
        case .none: break
        case .newcomer: return (.refused, 0)
        case .peer(let index):
            remove(at: index)
            evicted = 1
        }
        insert(Peer(address: address, isSeed: isSeed, expirySeconds: expiry))
        return (.added, evicted)
    }

    /// Visits up to `limit` live peers.
    ///
    /// Where there are more, one of each network comes first, then a second one of each, so that a crowd of one
    /// network does not fill an answer. Within these rules each is as likely as any other.
    func sample(
        _ limit: Int, withoutSeeds: Bool, now: Instant, using generator: inout SeededGenerator,
        _ body: (Address) -> Void
    ) {
        guard !peers.isEmpty, limit > 0 else { return }
        let now = Self.seconds(now)
        guard peers.count <= limit || prefixCount == peers.count else {
            return sampleByPrefix(limit, withoutSeeds: withoutSeeds, now: now, using: &generator, body)
        }
        var steps = Steps(over: peers.count, isScattered: peers.count > limit, using: &generator)
        var taken = 0
        for _ in peers.indices where taken < limit {
            let position = steps.next()
            if isEligible(peers[position], withoutSeeds, now) {
                body(peers[position].address)
                taken += 1
            }
        }
    }

    private func sampleByPrefix(
        _ limit: Int, withoutSeeds: Bool, now: UInt32, using generator: inout SeededGenerator, _ body: (Address) -> Void
    ) {
        var runs: [Range<Int>] = []
        runs.reserveCapacity(prefixCount)
        forEachRun(in: 0..<peers.count, of: { $0.sharesPrefix(with: $1) }) { runs.append($0) }
        let turn = Int(truncatingIfNeeded: generator.next() >> 1)
        var (taken, round) = (0, 0)
        while !runs.isEmpty, taken < limit {
            var steps = Steps(over: runs.count, isScattered: runs.count > limit - taken, using: &generator)
            for _ in runs.indices where taken < limit {
                let run = runs[steps.next()]
                let peer = peers[run.lowerBound + (turn &+ round) % run.count]
                if isEligible(peer, withoutSeeds, now) {
                    body(peer.address)
                    taken += 1
                }
            }
            round += 1
            runs.removeAll { $0.count <= round }
        }
    }

    private func isEligible(_ peer: Peer, _ withoutSeeds: Bool, _ now: UInt32) -> Bool {
        peer.expirySeconds > now && !(withoutSeeds && peer.isSeed)
    }

    /// Visits all live peers.
    func forEach(now: Instant, _ body: (Address, _ isSeed: Bool) -> Void) {
        let now = Self.seconds(now)
        for peer in peers where peer.expirySeconds > now { body(peer.address, peer.isSeed) }
    }

    mutating func removeExpired(now: Instant) {
        let now = Self.seconds(now)
        guard peers.contains(where: { $0.expirySeconds <= now }) else { return }
        peers.removeAll { $0.expirySeconds <= now }
        prefixCount = 0
        forEachRun(in: 0..<peers.count, of: { $0.sharesPrefix(with: $1) }) { _ in prefixCount += 1 }
    }

    private static func seconds(_ instant: Instant) -> UInt32 {
        UInt32(clamping: instant.nanoseconds / 1_000_000_000)
    }
}

// MARK: - Order

extension PeerList {
    /// Where the address is, or belongs.
    private func position(of address: Address) -> Int {
        var (low, high) = (0, peers.count)
        while low < high {
            let middle = (low + high) / 2
            if peers[middle].address < address { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Whether a neighbour of the gap before `position` is of the network of `address`.
    private func hasRelative(of address: Address, around position: Int) -> Bool {
        position > 0 && peers[position - 1].address.sharesPrefix(with: address)
            || position < peers.count && peers[position].address.sharesPrefix(with: address)
    }

    private mutating func insert(_ peer: Peer) {
        let position = position(of: peer.address)
        if !hasRelative(of: peer.address, around: position) { prefixCount += 1 }
        peers.insert(peer, at: position)
    }

    private mutating func remove(at position: Int) {
        let peer = peers.remove(at: position)
        if !hasRelative(of: peer.address, around: position) { prefixCount -= 1 }
    }

    /// The peers around the gap before `position` that are related to `address`.
    private func relatives(
        of address: Address, at position: Int, by isRelated: (Address, Address) -> Bool
    ) -> Range<Int> {
        var (start, end) = (position, position)
        while start > 0, isRelated(peers[start - 1].address, address) { start -= 1 }
        while end < peers.count, isRelated(peers[end].address, address) { end += 1 }
        return start..<end
    }

    /// Visits the runs of related neighbours, in order.
    private func forEachRun(
        in range: Range<Int>, of isRelated: (Address, Address) -> Bool, _ body: (Range<Int>) -> Void
    ) {
        var start = range.lowerBound
        while start < range.upperBound {
            var end = start + 1
            while end < range.upperBound, isRelated(peers[start].address, peers[end].address) { end += 1 }
            body(start..<end)
            start = end
        }
    }
}

// MARK: - Shares

extension PeerList {
    /// What is in the way of a newcomer.
    private enum Obstacle {
        case none
        /// This one has to go.
        case peer(Int)
        case newcomer
    }

    /// What a network has in a full list.
    private struct Claim {
        /// Empty for a newcomer that is the only one of its network.
        let run: Range<Int>
        /// Of the network, and of its provider, the newcomer included.
        let peers: Int
        let provider: Int
        /// Of the network.
        let address: Address
    }

    private func obstacle(
        to address: Address, _ rules: PeerListRules, using generator: inout SeededGenerator
    ) -> Obstacle {
        let position = position(of: address)
        if rules.hostLimit <= peers.count {
            let mine = relatives(of: address, at: position) { $0.sharesHost(with: $1) }
            if mine.count >= rules.hostLimit { return .peer(oldest(in: mine)) }
        }
        if rules.prefixLimit <= peers.count {
            let mine = relatives(of: address, at: position) { $0.sharesPrefix(with: $1) }
            if mine.count >= rules.prefixLimit { return .peer(oldestOfGreediestHost(in: mine, for: address)) }
        }
        guard peers.count >= rules.peerLimit else { return .none }
        guard rules.sharesRoom else { return .peer(Int.random(in: peers.indices, using: &generator)) }
        return greediest(for: address, rules.hash)
    }

    /// Who gives way in a full list: of the network with the most peers, counting the newcomer, the host with the most.
    ///
    /// Of several such networks, one of the provider with the most peers; of those, one that a keyed hash chooses. So
    /// of many lone peers each is as likely as any other to stay, however often some of them announce.
    private func greediest(for newcomer: Address, _ hash: KeyedHash) -> Obstacle {
        var best: Claim?
        let consider = { (claim: Claim) in
            guard let known = best else {
                best = claim
                return
            }
            let (mine, theirs) = ((claim.peers, claim.provider), (known.peers, known.provider))
            let isTied = mine == theirs
            let rank = { (address: Address) in hash.key(of: address.endpoint.prefix) }
            if mine > theirs || isTied && rank(claim.address) > rank(known.address) { best = claim }
        }
        var isNewcomerSeen = false
        var isProviderSeen = false
        forEachRun(in: 0..<peers.count, of: { $0.sharesProvider(with: $1) }) { provider in
            let isItsProvider = peers[provider.lowerBound].address.sharesProvider(with: newcomer)
            let providerCount = provider.count + (isItsProvider ? 1 : 0)
            forEachRun(in: provider, of: { $0.sharesPrefix(with: $1) }) { run in
                let isIts = isItsProvider && peers[run.lowerBound].address.sharesPrefix(with: newcomer)
                if isIts { isNewcomerSeen = true }
                let count = run.count + (isIts ? 1 : 0)
                let address = peers[run.lowerBound].address
                consider(Claim(run: run, peers: count, provider: providerCount, address: address))
            }
            guard isItsProvider else { return }
            isProviderSeen = true
            if !isNewcomerSeen {
                consider(Claim(run: 0..<0, peers: 1, provider: providerCount, address: newcomer))
            }
        }
        if !isProviderSeen { consider(Claim(run: 0..<0, peers: 1, provider: 1, address: newcomer)) }
        guard let best, !best.run.isEmpty else { return .newcomer }
        return .peer(oldestOfGreediestHost(in: best.run, for: newcomer))
    }

    private func oldestOfGreediestHost(in range: Range<Int>, for newcomer: Address) -> Int {
        var best: (count: Int, oldest: Int)?
        forEachRun(in: range, of: { $0.sharesHost(with: $1) }) { host in
            let isIts = peers[host.lowerBound].address.sharesHost(with: newcomer)
            let count = host.count + (isIts ? 1 : 0)
            let oldest = oldest(in: host)
            if let best {
                let isOlder = peers[oldest].expirySeconds < peers[best.oldest].expirySeconds
                guard count > best.count || count == best.count && isOlder else { return }
            }
            best = (count, oldest)
        }
        return best?.oldest ?? range.lowerBound
    }

    /// The peer that announced itself the longest time ago.
    private func oldest(in range: Range<Int>) -> Int {
        range.min { peers[$0].expirySeconds < peers[$1].expirySeconds } ?? range.lowerBound
    }
}

/// Positions from 0 on, each once: in steps of a random stride from a random start.
///
/// A stride without a common divisor with the count meets every position once, and each is as likely as any other to
/// be among the first; it takes two random numbers instead of one for each.
private struct Steps {
    private let count: Int
    private var position: Int
    private var stride = 1

    init(over count: Int, isScattered: Bool, using generator: inout SeededGenerator) {
        self.count = count
        position = Int.random(in: 0..<count, using: &generator)
        guard isScattered, count > 1 else { return }
        repeat { stride = Int.random(in: 1..<count, using: &generator) } while !Self.areCoprime(stride, count)
    }

    mutating func next() -> Int {
        defer {
            position += stride
            if position >= count { position -= count }
        }
        return position
    }

    private static func areCoprime(_ stride: Int, _ count: Int) -> Bool {
        var (larger, smaller) = (count, stride)
        while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
        return larger == 1
    }
}
