import PeerProtocol

/// The blocks of one piece that was begun: which are free, on their way, or here.
struct PieceProgress {
    /// Requests on their way per block; `received` once it is here.
    private var requests: [UInt8]
    /// No block before this one is free.
    private var firstFree = 0
    private(set) var freeCount: Int
    private var missingCount: Int
    /// Whoever gave a block, once each.
    private(set) var contributors: [PeerHandle] = []
    /// Who gave each block; nobody's where two gave parts of it.
    private(set) var givers: [Giver]
    /// Who works at it: the only one who may be asked for it, if it is to have one giver.
    var owner: PeerHandle?
    /// Begun for a peer that is fast enough to do it alone.
    private(set) var isFast: Bool

    enum Giver: Equatable {
        case none
        case one(PeerHandle)
        case several
    }

    private static let received: UInt8 = .max

    init(length: Int, isFast: Bool) {
        self.isFast = isFast
        let count = (length + BlockRequest.usualLength - 1) / BlockRequest.usualLength
        requests = Array(repeating: 0, count: count)
        freeCount = count
        missingCount = count
        givers = Array(repeating: .none, count: count)
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

    func mayDuplicate(_ block: Int, atMost limit: Int) -> Bool {
        requests[block] != Self.received && requests[block] < limit
    }

    mutating func duplicate(_ block: Int) {
        requests[block] += 1
    }

    /// Nil if the block was here already.
    ///
    /// A block may have been given up and come after all: then it was free.
    mutating func received(_ block: Int, from peer: PeerHandle) -> (wasFree: Bool, wasDuplicated: Bool)? {
        guard requests[block] != Self.received else { return nil }
        let requested = requests[block]
        requests[block] = Self.received
        missingCount -= 1
        if requested == 0 { freeCount -= 1 }
        contributed(peer, to: block)
        return (requested == 0, requested != 1)
    }

    /// Bytes of this peer are part of the block.
    mutating func contributed(_ peer: PeerHandle, to block: Int) {
        switch givers[block] {
        case .none: givers[block] = .one(peer)
        case .one(peer), .several: break
        case .one: givers[block] = .several
        }
        if contributors.last != peer, !contributors.contains(peer) { contributors.append(peer) }
    }

    /// Who worked at it does so no longer: anybody may.
    ///
    /// Returns whether that is news.
    mutating func release() -> Bool {
        defer { (owner, isFast) = (nil, false) }
        return owner != nil || isFast
    }

    /// Who gave what there is.
    var gift: PiecePicker.Gift {
        let givers = givers.map { giver -> PeerHandle? in
            if case .one(let peer) = giver { peer } else { nil }
        }
        return PiecePicker.Gift(contributors: contributors, givers: givers)
    }

    /// One request less is on its way.
    ///
    /// Returns whether the block became free.
    mutating func abandon(_ block: Int) -> Bool {
        guard requests[block] != Self.received, requests[block] > 0 else { return false }
        requests[block] -= 1
        guard requests[block] == 0 else { return false }
        freeCount += 1
        firstFree = min(firstFree, block)
        return true
    }
}
