import Client
import PeerProtocol
import Primitives
import Swarm

/// What happens to clients: calls, bytes, ends.
extension SwarmNetwork {
    mutating func happen(_ entry: SwarmCalendar.Entry) {
        switch entry {
        case .arrival(let lane, let items):
            digest.absorb(UInt64(calendar.tick) << 32 ^ UInt64(lane) << 12 ^ UInt64(items))
            lanes[lane].arrived += items
            read(lane)
        case .called(let lane): called(lane)
        case .answered(let lane):
            guard let handle = lanes[lane].senderHandle else { return }
            guard !isRude(lanes[lane].sender) else {
                return tellRude(lanes[lane].sender) { $0.connected(handle, now: $1, into: &$2) }
            }
            tell(lanes[lane].sender) { $0.connected(handle, now: $1, into: &$2) }
        case .refused(let lane):
            guard let handle = lanes[lane].senderHandle else { return }
            hang(lane, up: handle)
            callFailed(handle, of: lanes[lane].sender)
        case .unreachable(let host, let handle): callFailed(handle, of: host)
        case .closed(let lane):
            guard let handle = lanes[lane].receiverHandle else { return }
            hang(lane ^ 1, up: handle)
            let host = lanes[lane].receiver
            if isRude(host) {
                tellRude(host) { peer, now, _ in peer.disconnected(handle, now: now) }
            } else {
                tell(host) { $0.disconnected(handle, now: $1, into: &$2) }
            }
            lanes[lane].forget()
        case .joined(let host): tracker == nil ? join(host) : joinByMagnet(host)
        case .announced(let host): announce(host)
        }
    }

    private mutating func callFailed(_ handle: PeerHandle, of host: Int) {
        if isRude(host) {
            tellRude(host) { peer, now, _ in peer.disconnected(handle, now: now) }
        } else {
            tell(host) { $0.connectFailed(handle, now: $1, into: &$2) }
        }
    }

    /// A call of the lane's sender is there; both lanes of a connection have numbers beside each other.
    private mutating func called(_ lane: Int) {
        guard lanes[lane].senderHandle != nil else { return }
        let (caller, host) = (lanes[lane].sender, lanes[lane].receiver)
        var from = hosts[caller].endpoint
        from.port = UInt16(truncatingIfNeeded: 32_768 + lane / 2 % 28_000)
        let delay = max(1, lanes[lane].delayTicks)
        var accepted: PeerHandle?
        if isRude(host) {
            accepted = rudePeers[host - clients.count].accepted(from: from, now: now)
        } else {
            tell(host) { client, now, outbox in accepted = client.accepted(from: from, now: now, into: &outbox) }
        }
        guard let handle = accepted else {
            return calendar.put(.refused(lane: lane), afterTicks: delay)
        }
        lanesByHandle[host][handle] = lane ^ 1
        lanes[lane].receiverHandle = handle
        lanes[lane ^ 1].senderHandle = handle
        calendar.put(.answered(lane: lane), afterTicks: delay)
    }

    /// The host that sends on this lane has no connection any more.
    mutating func hang(_ lane: Int, up handle: PeerHandle) {
        lanesByHandle[lanes[lane].sender][handle] = nil
        lanes[lane].senderHandle = nil
        lanes[lane].cut()
        lanes[lane ^ 1].receiverHandle = nil
        lanes[lane ^ 1].forget()
    }

    /// Shows the receiver all that has arrived, as long as it reads.
    mutating func read(_ lane: Int) {
        let host = lanes[lane].receiver
        guard !isRude(host) else { return readRude(lane) }
        while lanes[lane].arrived > 0, !isPaused[host], lanes[lane].receiverHandle != nil {
            let block = lanes[lane].read(into: &scratch)
            if let block {
                fillHead(block)
                digest.absorb(UInt64(block.piece) << 32 ^ UInt64(block.offset))
                pass(blockBytes, count: Lane.blockHeadBytes + block.length, on: lane)
            } else {
                let bytes = scratch
                digest.absorb(bytes.span.bytes)
                pass(bytes, count: bytes.count, on: lane)
            }
        }
        if lanes[lane].receiverHandle == nil { lanes[lane].forget() }
    }

    private mutating func fillHead(_ block: BlockRequest) {
        scratch.removeAll(keepingCapacity: true)
        OutgoingMessage.pieceHeader(block).encode(into: &scratch)
        for index in 0..<Lane.blockHeadBytes { blockBytes[index] = scratch[index] }
        let count = Lane.blockHeadBytes + block.length
        if blockBytes.count < count { blockBytes += Array(repeating: 0, count: count - blockBytes.count) }
    }

    private mutating func pass(_ bytes: [UInt8], count: Int, on lane: Int) {
        let host = lanes[lane].receiver
        var (bytes, count) = (bytes, count)
        if !lanes[lane].unread.isEmpty {
            bytes = lanes[lane].unread + bytes[..<count]
            count = bytes.count
            lanes[lane].unread = []
        }
        let lie = lies[lanes[lane].sender]
        var offset = 0
        while offset < count, let handle = lanes[lane].receiverHandle {
            let isOpening = !lanes[lane].isThrough && clients[host].isOpening(handle)
            var consumed = 0
            tell(host, lie: lie) { client, now, outbox in
                let rest = bytes.span.bytes.extracting(offset..<count)
                consumed =
                    isOpening
                    ? client.openingReceived(rest, from: handle, now: now, into: &outbox)
                    : client.received(rest, from: handle, now: now, into: &outbox)
            }
            offset += consumed
            lanes[lane].isThrough = !isOpening || !clients[host].isOpening(handle)
            if consumed == 0, isOpening != lanes[lane].isThrough { break }
        }
        if offset < count, lanes[lane].receiverHandle != nil { lanes[lane].unread = Array(bytes[offset..<count]) }
    }
}
