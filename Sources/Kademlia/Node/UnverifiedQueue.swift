import KRPC
import Primitives

/// A node that has not answered us yet.
struct Unverified: Equatable, Sendable {
    let endpoint: Endpoint
    /// What it calls itself, or is called by others.
    let id: NodeID?
    let home: HomeIndex
}

/// Nodes that asked us something or were named to us, waiting to be pinged.
///
/// One of each host waits at a time (of each endpoint in private networks), and nodes of networks with few in the queue
/// come first. When it is full, the greediest network makes room for one that would still hold less.
struct UnverifiedQueue: Sendable {
    private struct Key: Hashable {
        let source: Endpoint
        let home: HomeIndex
    }

    private let mode: NetworkMode
    /// In the order in which they came.
    private var waiting: [Unverified] = []
    private var holders = Boxed<HolderTable<Key>>()

    init(mode: NetworkMode) {
        self.mode = mode
    }

    var count: Int { waiting.count }
    var isEmpty: Bool { waiting.isEmpty }

    func contains(_ stranger: Unverified) -> Bool {
        guard !holders.isEmpty else { return false }
        return holders.value.contains(key(of: stranger))
    }

    /// Takes in one that is not there; returns how many were turned away, it or others.
    mutating func append(_ stranger: Unverified, limit: Int) -> Int {
        if holders.isEmpty { holders = Boxed(HolderTable()) }
        var evicted = 0
        while waiting.count >= max(limit, 1) {
            // Most queries come while it is full: they must cost next to nothing.
            guard holders.value.wouldHoldLess(prefixOf: stranger.endpoint), let key = holders.value.greediest else {
                return evicted + 1
            }
            remove(key)
            evicted += 1
        }
        waiting.append(stranger)
        holders.value.insert(key(of: stranger), heldBy: stranger.endpoint)
        return evicted
    }

    /// The one whose network, and then whose host, has the fewest; of several, the one that came first.
    mutating func popNext() -> Unverified? {
        guard !waiting.isEmpty else { return nil }
        var best: (position: Int, claims: (Int, Int))?
        for (position, stranger) in waiting.enumerated() {
            let claims = (
                holders.value.count(ofPrefixOf: stranger.endpoint), holders.value.count(ofHostOf: stranger.endpoint)
            )
            if best.map({ claims < $0.claims }) ?? true { best = (position, claims) }
        }
        guard let best else { return nil }
        let stranger = waiting.remove(at: best.position)
        holders.value.remove(key(of: stranger))
        releaseIfEmpty()
        return stranger
    }

    private mutating func remove(_ key: Key) {
        holders.value.remove(key)
        if let position = waiting.firstIndex(where: { self.key(of: $0) == key }) { waiting.remove(at: position) }
        releaseIfEmpty()
    }

    /// In a large simulation most nodes have an empty queue most of the time.
    private mutating func releaseIfEmpty() {
        guard waiting.isEmpty else { return }
        waiting = []
        holders = Boxed()
    }

    private func key(of stranger: Unverified) -> Key {
        Key(source: mode.source(of: stranger.endpoint), home: stranger.home)
    }
}
