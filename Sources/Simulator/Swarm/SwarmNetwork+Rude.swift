import Client
import PeerProtocol
import Primitives
import Swarm

/// Scripted peers among the clients.
extension SwarmNetwork {
    func isRude(_ host: Int) -> Bool { host >= clients.count }

    /// Tells a rude peer a fact and carries out what it wants.
    mutating func tellRude(_ host: Int, _ fact: (inout RudePeer, Instant, inout RudeOutbox) -> Void) {
        var outbox = RudeOutbox()
        fact(&rudePeers[host - clients.count], now, &outbox)
        for action in outbox.actions { carryOut(action, of: host) }
    }

    private mutating func carryOut(_ action: RudeOutbox.Action, of host: Int) {
        switch action {
        case .connect(let handle, let endpoint): call(endpoint, from: host, handle)
        case .send(let handle, let bytes):
            guard let lane = lanesByHandle[host][handle] else { return }
            lanes[lane].write(bytes[...])
            list(lane)
        case .sendBlock(let handle, let block):
            guard let lane = lanesByHandle[host][handle] else { return }
            lanes[lane].write(block)
            list(lane)
        case .close(let handle):
            guard let lane = lanesByHandle[host][handle] else { return }
            hang(lane, up: handle)
            calendar.put(.closed(lane: lane), afterTicks: lanes[lane].delayTicks + 1)
        case .limitReading(let handle, let bytes):
            guard let lane = lanesByHandle[host][handle] else { return }
            lanes[lane ^ 1].window = bytes
        }
    }

    /// Shows a rude peer all that has arrived; of blocks it needs to know nothing.
    mutating func readRude(_ lane: Int) {
        let host = lanes[lane].receiver
        while lanes[lane].arrived > 0, let handle = lanes[lane].receiverHandle {
            if lanes[lane].read(into: &scratch) != nil { continue }
            let bytes = scratch
            digest.absorb(bytes.span.bytes)
            tellRude(host) { $0.received(bytes, from: handle, now: $1, into: &$2) }
        }
        if lanes[lane].receiverHandle == nil { lanes[lane].forget() }
    }
}
