import Primitives

/// What a list of peers has to keep to.
struct PeerListRules {
    var expiry: Instant
    var now: Instant
    var peerLimit: Int
    var addressLimit: Int
}

/// The announced peers of one infohash and family.
struct PeerList<Address: ContactAddress>: Sendable {
    private struct Peer {
        let address: Address
        /// It said so when it announced last (BEP 33).
        var isSeed: Bool
        /// Seconds of the caller's clock: half the size of an `Instant`.
        var expirySeconds: UInt32
    }

    private var peers: [Peer] = []

    var count: Int { peers.count }

    /// Adds or renews a peer; a full list drops its expired peers, else one at random.
    mutating func announce(
        _ address: Address, isSeed: Bool, _ rules: PeerListRules, using generator: inout SeededGenerator
    ) -> (outcome: PeerStore.Outcome, evicted: Int) {
        let expiry = Self.seconds(rules.expiry)
        var sameHost = 0
        for index in peers.indices {
            if peers[index].address == address {
                peers[index].expirySeconds = expiry
                peers[index].isSeed = isSeed
                return (.renewed, 0)
            }
            if peers[index].address.sharesHost(with: address) { sameHost += 1 }
        }
        guard sameHost < rules.addressLimit else { return (.refused, 0) }
        var evicted = 0
        if peers.count >= rules.peerLimit {
            removeExpired(now: rules.now)
            if peers.count >= rules.peerLimit {
                peers.swapAt(Int.random(in: peers.indices, using: &generator), peers.count - 1)
                peers.removeLast()
                evicted = 1
            }
        }
        peers.append(Peer(address: address, isSeed: isSeed, expirySeconds: expiry))
        return (.added, evicted)
    }

    /// Visits up to `limit` live peers, in steps of a random stride from a random start.
    ///
    /// A stride without a common divisor with the count meets every peer once, and each is as likely as any other
    /// to be among the first `limit`; it takes two random numbers instead of one for each peer.
    func sample(
        _ limit: Int, withoutSeeds: Bool, now: Instant, using generator: inout SeededGenerator,
        _ body: (Address) -> Void
    ) {
        guard !peers.isEmpty, limit > 0 else { return }
        let now = Self.seconds(now)
        var position = Int.random(in: peers.indices, using: &generator)
        var stride = 1
        if peers.count > limit {
            repeat { stride = Int.random(in: 1..<peers.count, using: &generator) } while !isCoprime(stride)
        }
        var taken = 0
        for _ in peers.indices where taken < limit {
            if peers[position].expirySeconds > now, !(withoutSeeds && peers[position].isSeed) {
                body(peers[position].address)
                taken += 1
            }
            position += stride
            if position >= peers.count { position -= peers.count }
        }
    }

    /// Visits all live peers.
    func forEach(now: Instant, _ body: (Address, _ isSeed: Bool) -> Void) {
        let now = Self.seconds(now)
        for peer in peers where peer.expirySeconds > now { body(peer.address, peer.isSeed) }
    }

    mutating func removeExpired(now: Instant) {
        let now = Self.seconds(now)
        peers.removeAll { $0.expirySeconds <= now }
    }

    private func isCoprime(_ stride: Int) -> Bool {
        var (larger, smaller) = (peers.count, stride)
        while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
        return larger == 1
    }

    private static func seconds(_ instant: Instant) -> UInt32 {
        UInt32(clamping: instant.nanoseconds / 1_000_000_000)
    }
}
