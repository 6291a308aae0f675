import Client
import PeerProtocol
import Primitives
import Swarm

/// What clients want done.
extension SwarmNetwork {
    /// Tells a client a fact and carries out what it says; `lie` is that of whoever sent the bytes, if it lies.
    mutating func tell(
        _ host: Int, lie: BlockDigest = 0, _ fact: (inout Client, Instant, inout Client.Outbox) -> Void
    ) {
        var outbox = Client.Outbox()
        swap(&outbox, &self.outbox)
        fact(&clients[host], now, &outbox)
        counters.facts += 1
        for action in outbox.swarm.actions { carryOut(action, outbox.swarm.bytes, lie, of: host) }
        for event in outbox.events {
            if case .torrent(_, let event) = event { note(event, of: host) }
        }
        // Datagrams go nowhere: there is no DHT here.
        outbox.clear()
        swap(&outbox, &self.outbox)
    }

    private mutating func carryOut(_ action: Swarm.Action, _ bytes: [UInt8], _ lie: BlockDigest, of host: Int) {
        switch action {
        case .connect(let handle, let endpoint): call(endpoint, from: host, handle)
        case .send(let handle, let range), .sendOpening(let handle, let range):
            guard let lane = lanesByHandle[host][handle] else { return }
            lanes[lane].write(bytes[range])
            list(lane)
        case .readBlock(let handle, _, let block):
            guard let lane = lanesByHandle[host][handle] else { return }
            lanes[lane].write(block)
            list(lane)
        case .close(let handle):
            guard let lane = lanesByHandle[host][handle] else { return }
            hang(lane, up: handle)
            // Behind what has left already.
            calendar.put(.closed(lane: lane), afterTicks: lanes[lane].delayTicks + 1)
        case .store(_, let piece, let offset, _, let range):
            disks[host].store(piece, offset: offset, count: range.count, lie: lie)
        case .forget(_, let piece, let offset, let length):
            disks[host].forget(piece, offset: offset, count: length)
        case .digestBlocks(let torrent, let piece):
            let blocks = disks[host].digests(of: piece)
            digested.append((host, torrent, piece, blocks))
        case .openStorage: opening.append(host)
        case .pauseReading:
            isPaused[host] = true
            hosts[host].pauses += 1
        case .resumeReading:
            isPaused[host] = false
            resumed.append(host)
        case .encrypt: preconditionFailure("simulated swarms are not encrypted")
        }
    }

    mutating func call(_ endpoint: Endpoint, from host: Int, _ handle: PeerHandle) {
        guard let called = addresses[endpoint] else {
            // Half of the dead endpoints refuse calls; at the others calls go unanswered until the caller gives up.
            if tracker != nil, endpoint.port.isMultiple(of: 2) { return }
            return calendar.put(.unreachable(host: host, handle), afterTicks: 1)
        }
        let delay = Int(((distances[host] + distances[called]).inSeconds / tickSeconds).rounded())
        let lane = lanes.count
        lanes.append(Lane(sender: host, receiver: called, delayTicks: delay))
        lanes.append(Lane(sender: called, receiver: host, delayTicks: delay))
        lanes[lane].senderHandle = handle
        lanes[lane + 1].receiverHandle = handle
        lanesByHandle[host][handle] = lane
        calendar.put(.called(lane: lane), afterTicks: max(1, delay))
    }

    private mutating func note(_ event: TorrentEvent, of host: Int) {
        guard hosts[host].role.isDownloading else { return }
        switch event {
        case .pieceVerified(let piece):
            verifiedPieces += 1
            digest.absorb(UInt64(host) << 32 ^ UInt64(piece))
            if hosts[host].firstPieceAt == nil { hosts[host].firstPieceAt = now }
        case .completed:
            guard hosts[host].completedAt == nil else { return }
            hosts[host].completedAt = now
            unfinished -= 1
        case .metadata: hosts[host].metadataAt = now
        default: break
        }
    }
}
