import Metainfo
import OrderedCollections
import PeerProtocol
import Primitives

/// Serving the info dictionary (BEP 9).
extension Swarm {
    mutating func metadataRequested(_ piece: Int, by place: Int, now: Instant, into outbox: inout Outbox) {
        guard let id = metadataID(of: place) else { return }
        let size = info?.bytes.count ?? 0
        let pieceCount = (size + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength
        let endpoint = peers[place].endpoint
        let mayServe = peers[place].metadataPiecesServed < pieceCount * configuration.metadataServedPerPeerMax
        guard piece >= 0, piece < pieceCount, mayServe else {
            guard tolerates(place, now: now, into: &outbox) else { return }
            peers[place].lastSentAt = now
            return outbox.send(to: peers[place].handle) {
                MetadataMessage.encodeReject(piece: piece, id: id, into: &$0)
            }
        }
        // Asked for twice, it is given once.
        guard peers[place].metadataWanted.append(piece).inserted else {
            return _ = tolerates(place, now: now, into: &outbox)
        }
        let isLimited = allowance.upload != nil
        if !isLimited { metadataUpload.refill(payloadRate: uploadMeter.bytesPerSecond, now: now) }
        if metadataUpload.mayServeAtOnce(endpoint, size: size, now: now) {
            serveMetadata(to: place, now: now, into: &outbox)
            return
        }
        metadataUpload.wait(peers[place].handle)
        if isLimited { awaitPortion(into: &outbox) }
    }

    /// Gives those that wait what the credit allows, those that had the least first.
    mutating func serveWaitingMetadata(now: Instant, into outbox: inout Outbox) {
        if allowance.upload == nil { metadataUpload.refill(payloadRate: uploadMeter.bytesPerSecond, now: now) }
        guard let info, !metadataUpload.waiting.isEmpty, metadataUpload.credit > 0 else { return }
        let ranked = metadataUpload.waiting.compactMap { places[$0] }.map { place in
            (rank: metadataUpload.rank(of: peers[place].endpoint, size: info.bytes.count, now: now), place: place)
        }.sorted { ($0.rank.0, $0.rank.1, $0.place) < ($1.rank.0, $1.rank.1, $1.place) }
        for (_, place) in ranked {
            let endpoint = peers[place].endpoint
            while metadataUpload.mayServe(endpoint, size: info.bytes.count, now: now),
                serveMetadata(to: place, now: now, into: &outbox)
            {}
        }
        if allowance.upload != nil, !metadataUpload.waiting.isEmpty { awaitPortion(into: &outbox) }
    }

    /// The peer does not speak BEP 9 any more: what it waited for is forgotten.
    mutating func metadataSwitchedOff(by place: Int) {
        peers[place].metadataWanted.removeAll()
        metadataUpload.left(peers[place].handle)
    }

    /// Sends one piece that the peer waits for; false if there is none.
    @discardableResult
    private mutating func serveMetadata(to place: Int, now: Instant, into outbox: inout Outbox) -> Bool {
        guard let info, let id = metadataID(of: place), !peers[place].metadataWanted.isEmpty else { return false }
        let piece = peers[place].metadataWanted.removeFirst()
        let start = outbox.bytes.count
        outbox.send(to: peers[place].handle) { bytes in
            MetadataMessage.encodeData(piece: piece, of: info.bytes, id: id, into: &bytes)
        }
        let byteCount = outbox.bytes.count - start
        peers[place].lastSentAt = now
        peers[place].metadataPiecesServed += 1
        counters.metadataUploadedBytes += byteCount
        allowance.upload? -= byteCount
        metadataUpload.served(byteCount, to: peers[place].endpoint, size: info.bytes.count, now: now)
        if peers[place].metadataWanted.isEmpty { metadataUpload.left(peers[place].handle) }
        return true
    }
}
