import KRPC
import Primitives

/// What lookups ask and collect, by what they are for; the walk itself is the same for all.
extension Node {
    mutating func question(
        _ running: borrowing RunningLookup, to endpoint: Endpoint, at home: HomeIndex, now: Instant
    ) -> OutgoingQuery {
        let (target, want) = (running.target, wantBeside(home))
        switch running.purpose {
        case .findNode: return .findNode(target: target, want: want)
        case .getPeers, .announce: return .getPeers(infoHash: target, want: want)
        case .scrape: return .getPeers(infoHash: target, want: want, .scrape)
        // A reply with an item has no room for nodes: who has nothing newer than we know had better send those.
        case .get(let wish):
            let known = [wish.newerThan, running.harvest.item?.signed?.sequence].compactMap { $0 }.max()
            return .get(target: target, newerThan: known, want: want)
        case .put(let item, _): return .get(target: target, newerThan: item.signed?.sequence, want: want)
        case .sample:
            if sampleSchedule.isEmpty || sampleSchedule.value.isDue(endpoint, now: now) {
                return .sampleInfoHashes(target: target, want: want)
            }
            counters.refused.earlySamples += 1
            return .findNode(target: target, want: want)
        }
    }

    /// What is sent to a node that gave a token; nil when it would be in vain.
    func storing(_ running: borrowing RunningLookup, _ token: [UInt8]) -> OutgoingQuery? {
        switch running.purpose {
        case .announce(let port, let isSeed):
            return .announcePeer(infoHash: running.target, port: port, isSeed: isSeed, token: token)
        case .put(let item, let expectedSequence):
            if let newest = running.harvest.item?.signed, let mine = item.signed, newest.sequence > mine.sequence {
                return nil
            }
            return .put(item, expectedSequence: expectedSequence, token: token)
        case .findNode, .getPeers, .scrape, .sample, .get: return nil
        }
    }

    /// What a node is asked for another token with.
    func tokenQuestion(_ running: borrowing RunningLookup) -> OutgoingQuery {
        if case .put = running.purpose { return .get(target: running.target, newerThan: nil, want: nil) }
        return .getPeers(infoHash: running.target, want: nil)
    }

    /// Takes what an answer has beside nodes and peers.
    mutating func harvest(
        _ answer: Answer, _ running: inout RunningLookup, _ packet: RawSpan, now: Instant, into outbox: inout Outbox
    ) {
        guard case .caller(let id) = running.owner else { return }
        let source = answer.contact.endpoint
        switch running.purpose {
        case .scrape:
            guard let filters = answer.response.filters else { return }
            running.harvest.add(filters, from: answer.contact, near: running.target, in: packet)
        case .sample:
            guard let samples = answer.response.samples else { return }
            noteSample(samples, of: source, now: now)
            guard running.harvest.noteSample(from: source) else { return }
            let hashes = samples.hashes(in: packet)
            outbox.events.append(.samplesFound(id, hashes, from: answer.contact, total: samples.total))
        case .get(let wish): harvestItem(answer, wish, &running, id, packet, into: &outbox)
        case .put(let item, _):
            harvestItem(answer, ItemWish(salt: item.signed?.salt ?? []), &running, id, packet, into: &outbox)
        case .findNode, .getPeers, .announce: break
        }
    }

    private func harvestItem(
        _ answer: Answer, _ wish: ItemWish, _ running: inout RunningLookup, _ id: LookupID, _ packet: RawSpan,
        into outbox: inout Outbox
    ) {
        guard let fields = answer.response.item, isNews(fields, to: running.harvest),
            let item = wish.item(fields, of: running.target, in: packet), running.harvest.add(item)
        else { return }
        guard case .get = running.purpose else { return }
        outbox.events.append(.itemFound(id, item, from: answer.contact.endpoint))
        // There is only one version of an immutable item.
        guard item.signed == nil else { return }
        for leg in running.legs.indices { running.legs[leg].lookup.stop() }
    }

    /// Whether it is worth verifying: most nodes have what we have seen already.
    private func isNews(_ fields: ItemFields, to harvest: Harvest) -> Bool {
        guard let known = harvest.item else { return true }
        guard let mine = known.signed, let sequence = fields.sequence else { return false }
        return sequence > mine.sequence
    }

    private mutating func noteSample(_ samples: SampleFields, of endpoint: Endpoint, now: Instant) {
        if sampleSchedule.isEmpty { sampleSchedule = Boxed(SampleSchedule()) }
        sampleSchedule.value.note(
            endpoint, dueAt: now + .seconds(samples.interval), limit: configuration.limits.sampledNodeCount, now: now)
    }

    /// A node did not want what we gave it to store.
    mutating func storeRefused(
        _ code: ErrorCode, _ reference: LookupReference, _ store: Int, of transaction: Transaction, now: Instant,
        into outbox: inout Outbox
    ) {
        guard var running = lookups.take(reference) else { return }
        if let leg = running.legIndex(of: transaction.home) {
            // Only a token can be mended.
            if transaction.verb == .put, code != .protocol {
                running.harvest.noteRefusal(code)
                running.legs[leg].lookup.storeFailed(store)
            } else {
                running.legs[leg].lookup.storeRefused(store)
            }
        }
        lookups.putBack(running, reference, wakesAt: nil)
        advance(reference, now: now, into: &outbox)
    }
}

extension LookupPurpose {
    /// Whether something is stored with the closest nodes in the end.
    var stores: Bool {
        switch self {
        case .announce, .put: true
        case .findNode, .getPeers, .scrape, .sample, .get: false
        }
    }

    var wantsPeers: Bool {
        switch self {
        case .getPeers, .announce, .scrape: true
        case .findNode, .sample, .get, .put: false
        }
    }
}

extension SampleFields {
    func hashes(in packet: RawSpan) -> [InfoHash] {
        (0..<count).map { InfoHash(packet, at: hashes.lowerBound + $0 * InfoHash.byteCount) }
    }
}
