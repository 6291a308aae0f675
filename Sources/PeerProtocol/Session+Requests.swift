package import Primitives

/// What was asked of the peer: kept here, because it decides about a block as soon as its head is there.
extension Session {
    /// A request for `block` was written; asking again for one that is outstanding changes nothing.
    package mutating func requested(_ block: BlockRequest, now: Instant) {
        outstanding.append(block, at: now)
        longestBlock = max(longestBlock, block.length)
    }

    /// What is yet to come of `block` is no longer wanted and will be discarded; false if it was not outstanding.
    @discardableResult
    package mutating func cancelled(_ block: BlockRequest) -> Bool {
        guard outstanding.remove(block) else { return false }
        if case .payload(block, let received, .store) = state {
            state = .payload(block, received: received, disposition: .discard)
        }
        return true
    }

    /// The peer choked us and so, without the fast extension, forgot our requests.
    ///
    /// Returns them, oldest first, to be given to other peers.
    package mutating func choked() -> [BlockRequest] {
        if case .payload(let block, let received, .store) = state {
            state = .payload(block, received: received, disposition: .discard)
        }
        return outstanding.removeAll()
    }
}
