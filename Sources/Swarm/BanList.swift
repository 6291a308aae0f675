import Primitives

/// Addresses or endpoints that are refused, each until its time is over.
///
/// The list is bounded. When it is full, the oldest entry of the network with most entries gives way, so that one
/// network cannot push the others out.
struct BanList {
    private let time: Duration
    private let countMax: Int
    private var ends: [Endpoint: Instant] = [:]
    private var holders = HolderTable<Endpoint>()

    init(time: Duration, countMax: Int) {
        self.time = time
        self.countMax = max(countMax, 1)
    }

    /// Entries, including those whose time is over and that were not replaced yet.
    var count: Int { ends.count }

    func contains(_ endpoint: Endpoint, now: Instant) -> Bool { ends[endpoint].map { now < $0 } ?? false }

    /// Refuses the endpoint from now on; an entry that is there begins anew.
    mutating func insert(_ endpoint: Endpoint, now: Instant) {
        remove(endpoint)
        if ends.count >= countMax, let oldest = holders.greediest { remove(oldest) }
        ends[endpoint] = now + time
        holders.insert(endpoint, heldBy: endpoint)
    }

    private mutating func remove(_ endpoint: Endpoint) {
        if ends.removeValue(forKey: endpoint) != nil { holders.remove(endpoint) }
    }
}
