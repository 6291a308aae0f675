import DequeModule
package import PeerProtocol
package import Primitives

/// Serving pieces to whoever asks, as many at once as the limits allow.
extension Swarm {
    /// The driver has written a block to the peer, or dropped it with the connection.
    package mutating func blockSent(
        _ block: BlockRequest, to handle: PeerHandle, now: Instant, into outbox: inout Outbox
    ) {
        counters.uploadedBytes += block.length
        uploadMeter.add(block.length, now: now)
        guard let place = places[handle] else { return }
        peers[place].uploadInFlightBytes -= block.length
        peers[place].lastSentAt = now
        pumpUploads(place, into: &outbox)
    }

    mutating func unchoke(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard picker != nil, peers[place].isChokedByUs, counters.unchoked < configuration.unchokedMax else { return }
        peers[place].isChokedByUs = false
        counters.unchoked += 1
        send(.unchoke, to: place, now: now, into: &outbox)
    }

    mutating func choke(_ place: Int, now: Instant, into outbox: inout Outbox) {
        guard !peers[place].isChokedByUs else { return }
        peers[place].isChokedByUs = true
        peers[place].uploads.removeAll()
        counters.unchoked -= 1
        send(.choke, to: place, now: now, into: &outbox)
        // A slot is free: whoever waits for one gets it.
        if let next = peers.firstIndex(where: { $0.isInterestedInUs && $0.isChokedByUs }) {
            unchoke(next, now: now, into: &outbox)
        }
    }

    /// Without the fast extension (BEP 6) there is no way to refuse: what cannot be served is passed over in silence.
    mutating func requestReceived(_ block: BlockRequest, from place: Int, into outbox: inout Outbox) {
        guard !peers[place].isChokedByUs, let picker, block.piece < picker.have.count, picker.have[block.piece],
            peers[place].uploads.count < configuration.uploadQueueMax
        else { return }
        peers[place].uploads.append(block)
        pumpUploads(place, into: &outbox)
    }

    mutating func cancelReceived(_ block: BlockRequest, from place: Int) {
        guard let index = peers[place].uploads.firstIndex(of: block) else { return }
        peers[place].uploads.remove(at: index)
    }

    private mutating func pumpUploads(_ place: Int, into outbox: inout Outbox) {
        while peers[place].uploadInFlightBytes < configuration.uploadInFlightBytesMax,
            let block = peers[place].uploads.popFirst()
        {
            peers[place].uploadInFlightBytes += block.length
            outbox.actions.append(.readBlock(peers[place].handle, torrent, block))
        }
    }
}
