package import Primitives

/// Payload that may be moved while there is a limit: given in small portions by the owner, who shares it out.
///
/// Downloading is limited by what is asked for, so that nothing arrives that was not paid for. What is not received
/// after all is given back, and what arrives without having been paid for is charged when it does.
extension Swarm {
    /// A direction of payload.
    package enum Direction: Hashable, Sendable { case upload, download }

    /// What is left of the portions; nil while there is no limit.
    struct Allowance {
        var upload: Int?
        var download: Int?
        /// The owner has been told that the portion is used up.
        var isWaitingForUpload = false
        var isWaitingForDownload = false
    }

    /// From now on nothing is moved this way but what `allowed` gives.
    package mutating func limit(_ direction: Direction) {
        switch direction {
        case .upload: allowance.upload = allowance.upload ?? 0
        case .download: allowance.download = allowance.download ?? 0
        }
    }

    /// One more portion.
    package mutating func allowed(
        _ bytes: Int, _ direction: Direction, now: Instant, into outbox: inout Outbox
    ) {
        // Another peer begins each time, so that a small portion does not always go to the same one.
        turn &+= 1
        switch direction {
        case .upload:
            // Metadata that waits may use a part of a portion only: the rest lapses instead of adding up.
            if !metadataUpload.waiting.isEmpty, let left = allowance.upload { allowance.upload = min(left, 0) }
            allowance.upload? += bytes
            allowance.isWaitingForUpload = false
            metadataUpload.portionCame(bytes)
            serveWaitingMetadata(now: now, into: &outbox)
            for place in portionOrder(now: now) { pumpUploads(place, now: now, into: &outbox) }
        case .download:
            allowance.download? += bytes
            allowance.isWaitingForDownload = false
            let order = peers.indices.map { (turn + $0) % peers.count }
            for place in order where peers[place].trust.isGiver { fillRequests(place, now: now, into: &outbox) }
            for place in order where !peers[place].trust.isGiver { fillRequests(place, now: now, into: &outbox) }
        }
    }

    /// Whether a block may be sent; if not, the owner is told that we wait.
    mutating func mayUpload(into outbox: inout Outbox) -> Bool {
        guard let left = allowance.upload, left <= 0 else { return true }
        awaitPortion(into: &outbox)
        return false
    }

    /// Tells the owner, once, that more of the upload limit is wanted.
    mutating func awaitPortion(into outbox: inout Outbox) {
        guard !allowance.isWaitingForUpload else { return }
        allowance.isWaitingForUpload = true
        outbox.waits.append(Wait(torrent: torrent, direction: .upload))
    }

    /// How many of `count` blocks may be asked for.
    mutating func mayRequest(_ count: Int, blockLength: Int, into outbox: inout Outbox) -> Int {
        guard let left = allowance.download else { return count }
        if left > 0 { return min(count, (left + blockLength - 1) / blockLength) }
        if !allowance.isWaitingForDownload {
            allowance.isWaitingForDownload = true
            outbox.waits.append(Wait(torrent: torrent, direction: .download))
        }
        return 0
    }

    /// A torrent has used up its portion.
    package struct Wait: Equatable, Sendable {
        package let torrent: TorrentHandle
        package let direction: Direction
    }
}
