package import Primitives

/// What was asked of the peer: kept here, because it decides about a block as soon as its head is there.
extension Session {
    /// A request for `block` was written; asking again for one that is outstanding changes nothing.
    package mutating func requested(_ block: BlockRequest, now: Instant) {
        outstanding.append(block, at: now)
        longestBlock = max(longestBlock, block.length)
    }

    /// The block whose bytes are arriving to be stored, and how many have.
    package typealias Partial = (block: BlockRequest, received: Int)

    package var partial: Partial? {
        guard case .payload(let block, let received, .store) = state, received > 0 else { return nil }
        return (block, received)
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

    /// Nothing was read for so long: the peer was not silent.
    package mutating func readingPaused(for pause: Duration, now: Instant) {
        lastReceivedAt = min(now, lastReceivedAt + pause)
    }

    /// The peer rejected a request (BEP 6); false if it was not outstanding, as after a cancel.
    package mutating func rejected(_ block: BlockRequest) -> Bool {
        outstanding.remove(block)
    }

    /// The peer choked us and so, without the fast extension, forgot our requests.
    ///
    /// Returns them, oldest first, to be given to other peers; none with it, since each is rejected by itself.
    package mutating func choked() -> [BlockRequest] {
        guard !isFast else { return [] }
        if case .payload(let block, let received, .store) = state {
            state = .payload(block, received: received, disposition: .discard)
        }
        return outstanding.removeAll()
    }
}
