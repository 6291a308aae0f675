import PeerProtocol
import Primitives

/// The blocks of one piece that was begun: which are free, on their way, or here.
struct PieceProgress {
    /// Requests on their way per block; `received` once it is here.
    private var requests: [UInt8]
    /// Those of `requests` that are at doubted peers; empty as long as there was none.
    private var doubted: [UInt8] = []
    /// No block before this one is free.
    private var firstFree = 0
    private(set) var freeCount: Int
    /// Blocks with requests on their way, all of them at doubted peers.
    private(set) var doubtfulCount = 0
    private var missingCount: Int
    /// Which peer gave each block, or is giving it: never two.
    private(set) var givers: [PeerHandle?]
    /// Where the givers are, since some are gone by the time the piece is judged.
    private(set) var endpoints: [PeerHandle: Endpoint] = [:]
    /// The peer that works at it: the only one that may be asked for it, if it is to have one giver.
    var owner: PeerHandle?
    /// Begun for a peer that is fast enough to do it alone.
    private(set) var isFast: Bool
    let begunAt: Instant

    private static let received: UInt8 = .max
    /// More requests of one block than this are not counted, so none are made.
    private static let requestsMax: UInt8 = 250

    init(length: Int, isFast: Bool, now: Instant) {
        self.isFast = isFast
        begunAt = now
        let count = (length + BlockRequest.usualLength - 1) / BlockRequest.usualLength
        requests = Array(repeating: 0, count: count)
        freeCount = count
        missingCount = count
        givers = Array(repeating: nil, count: count)
    }

    var count: Int { requests.count }
    var isWhole: Bool { missingCount == 0 }

    func isReceived(_ block: Int) -> Bool { requests[block] == Self.received }

    /// Blocks that need not come.
    mutating func skip(_ blocks: [Int]) {
        for block in blocks { requests[block] = Self.received }
        freeCount -= blocks.count
        missingCount -= blocks.count
    }

    /// Marks the first free block as asked for.
    mutating func takeFree() -> Int? {
        guard freeCount > 0 else { return nil }
        while requests[firstFree] != 0 { firstFree += 1 }
        requests[firstFree] = 1
        freeCount -= 1
        return firstFree
    }

    // MARK: Several requests of one block

    func isDoubtful(_ block: Int) -> Bool {
        !doubted.isEmpty && requests[block] != Self.received && requests[block] > 0
            && requests[block] == doubted[block]
    }

    /// Requests at doubted peers do not count: a peer that does not give keeps no other from being asked.
    func mayDuplicate(_ block: Int, atMost limit: Int) -> Bool {
        // Neither free nor here.
        guard requests[block] > 0, requests[block] < Self.requestsMax else { return false }
        return Int(requests[block]) - (doubted.isEmpty ? 0 : Int(doubted[block])) < limit
    }

    mutating func duplicate(_ block: Int) {
        if isDoubtful(block) { doubtfulCount -= 1 }
        requests[block] += 1
    }

    /// One of the peers that were asked for the block is doubted from now on.
    mutating func doubt(_ block: Int) {
        guard requests[block] != Self.received, requests[block] > 0 else { return }
        if doubted.isEmpty { doubted = Array(repeating: 0, count: count) }
        guard doubted[block] < requests[block] else { return }
        doubted[block] += 1
        if isDoubtful(block) { doubtfulCount += 1 }
    }

    /// One of the doubted peers that were asked for the block is trusted again.
    mutating func trust(_ block: Int) {
        guard !doubted.isEmpty, requests[block] != Self.received, doubted[block] > 0 else { return }
        if isDoubtful(block) { doubtfulCount -= 1 }
        doubted[block] -= 1
    }

    /// One request less is on its way, that of a doubted peer if `isDoubted`.
    ///
    /// Returns whether the block became free.
    mutating func abandon(_ block: Int, isDoubted: Bool) -> Bool {
        guard requests[block] != Self.received, requests[block] > 0 else { return false }
        if isDoubtful(block) { doubtfulCount -= 1 }
        requests[block] -= 1
        if isDoubted, !doubted.isEmpty, doubted[block] > 0 { doubted[block] -= 1 }
        if isDoubtful(block) { doubtfulCount += 1 }
        guard requests[block] == 0 else { return false }
        freeCount += 1
        firstFree = min(firstFree, block)
        return true
    }

    // MARK: Givers

    /// The peer gives the block from its beginning on.
    mutating func write(_ block: Int, by peer: PeerHandle, at endpoint: Endpoint) {
        givers[block] = peer
        if endpoints[peer] == nil { endpoints[peer] = endpoint }
    }

    /// What there is of the block is not kept; false if there is nothing of this peer.
    mutating func forget(_ block: Int, by peer: PeerHandle) -> Bool {
        guard requests[block] != Self.received, givers[block] == peer else { return false }
        givers[block] = nil
        return true
    }

    /// Blocks that these peers gave are to come again; returns them.
    mutating func disown(_ isUnproved: (PeerHandle) -> Bool) -> [Int] {
        let disowned = requests.indices.filter { block in
            requests[block] == Self.received && givers[block].map(isUnproved) == true
        }
        for block in disowned {
            requests[block] = 0
            givers[block] = nil
        }
        freeCount += disowned.count
        missingCount += disowned.count
        if let first = disowned.first { firstFree = min(firstFree, first) }
        return disowned
    }

    /// Nil if the block was here already.
    ///
    /// A block may have been given up and come after all: then it was free.
    mutating func received(_ block: Int, from peer: PeerHandle) -> (wasFree: Bool, others: Int)? {
        guard requests[block] != Self.received else { return nil }
        let requested = Int(requests[block])
        if isDoubtful(block) { doubtfulCount -= 1 }
        requests[block] = Self.received
        if !doubted.isEmpty { doubted[block] = 0 }
        missingCount -= 1
        if requested == 0 { freeCount -= 1 }
        givers[block] = peer
        return (requested == 0, max(0, requested - 1))
    }

    /// The peer that worked at it does so no longer: any may.
    ///
    /// Returns whether that is news.
    mutating func release() -> Bool {
        defer { (owner, isFast) = (nil, false) }
        return owner != nil || isFast
    }

    var gift: PiecePicker.Gift {
        var contributors: [PeerHandle] = []
        for case let giver? in givers where contributors.last != giver && !contributors.contains(giver) {
            contributors.append(giver)
        }
        return PiecePicker.Gift(contributors: contributors, givers: givers, endpoints: endpoints)
    }
}
