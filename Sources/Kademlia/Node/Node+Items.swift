import Digest
import KRPC
import Primitives

/// The node as a store of items (BEP 44) and of infohashes to sample (BEP 51).
extension Node {
    mutating func asked(
        forItem target: ID160, newerThan sequence: Int64?, _ query: Query, _ origin: Origin, _ packet: RawSpan,
        now: Instant, into outbox: inout Outbox
    ) {
        var content = outbox.takeReplyContent()
        content.token = tokens.token(for: target, id: query.id, endpoint: origin.endpoint, now: now)
        content.extra = itemReply(target, newerThan: sequence, now: now)
        // A value takes most of a packet, and who has it has arrived (docs/decisions/0006).
        if case .item = content.extra {
            (content.nodes, content.nodes6) = (nil, nil)
        } else {
            fillNodes(&content, near: target, want: query.want, at: origin.home)
        }
        reply(content, origin, packet, into: &outbox)
        outbox.giveBack(content)
    }

    private func itemReply(_ target: ID160, newerThan sequence: Int64?, now: Instant) -> ReplyExtra {
        guard let item = storedItem(of: target, now: now) else { return .none }
        guard let sequence, let signed = item.signed, signed.sequence <= sequence else { return .item(item) }
        return .sequence(signed.sequence)
    }

    mutating func stored(
        _ arguments: PutArguments, by id: NodeID, _ packet: RawSpan, _ origin: inout Origin, now: Instant,
        into outbox: inout Outbox
    ) {
        let item = arguments.item(in: packet)
        let target = item.target
        let token = packet.extracting(arguments.token)
        guard tokens.accepts(token, for: target, id: id, endpoint: origin.endpoint, now: now) else {
            counters.refused.badToken += 1
            return sendError(.protocol, "bad token", origin, packet, into: &outbox)
        }
        proved(&origin, now: now)
        if items.isEmpty {
            items = Boxed(ItemStore(configuration: configuration, key: (generator.next(), generator.next())))
        }
        if let (code, text) = objection(to: item, target, arguments.expectedSequence, origin.endpoint, now: now) {
            return sendError(code, text, origin, packet, into: &outbox)
        }
        guard items.value.put(item, at: target, from: origin.endpoint, now: now) else {
            counters.refused.badItems += 1
            return sendError(.server, "no items are stored here", origin, packet, into: &outbox)
        }
        reply(ReplyContent(), origin, packet, into: &outbox)
    }

    /// Why an item is not stored; what is costly to find out comes last.
    private mutating func objection(
        to item: Item, _ target: ID160, _ expectedSequence: Int64?, _ source: Endpoint, now: Instant
    ) -> (ErrorCode, StaticString)? {
        guard let signed = item.signed else { return nil }
        if let known = storedItem(of: target, now: now), let mine = known.signed {
            if let expectedSequence, expectedSequence != mine.sequence {
                counters.refused.badItems += 1
                return (.unexpectedSequence, "another sequence number is stored")
            }
            // The same again keeps the item alive; there is nothing to verify.
            if known == item { return nil }
            if signed.sequence <= mine.sequence {
                counters.refused.badItems += 1
                return (.sequenceTooLow, "what is stored is not older")
            }
        }
        guard items.value.takeSignatureCheck(from: source, now: now) else {
            counters.refused.signatureChecks += 1
            return (.server, "busy")
        }
        guard item.isAuthentic else {
            counters.refused.badItems += 1
            return (.badSignature, "bad signature")
        }
        return nil
    }

    /// With 8 nodes beside them they fill a packet of 1,024 bytes to three quarters.
    private static let infoHashesPerReply = 20

    /// The same infohashes to everybody, until it is time for others (BEP 51) or there is room for one that came since.
    mutating func fillSample(_ content: inout ReplyContent, now: Instant) {
        let interval = configuration.sampleInterval
        let count = min(configuration.limits.infoHashesPerSample, Self.infoHashesPerReply)
        let hasRoom = sample.isEmpty || sample.value.hashes.count < min(count, store.infoHashCount)
        if hasRoom || sample.value.drawnAt.duration(to: now) >= interval {
            let hashes = store.sampleInfoHashes(count, using: &generator)
            sample = Boxed(InfoHashSample(hashes: hashes, drawnAt: now))
            counters.refused.unsampledInfoHashes += store.infoHashCount - hashes.count
        }
        let rest = interval - sample.value.drawnAt.duration(to: now)
        let seconds = min(Int(rest.components.seconds), KRPCLimits.longestSampleInterval)
        content.extra = .samples(sample.value.hashes, interval: seconds, total: store.infoHashCount)
    }
}

extension PutArguments {
    func item(in packet: RawSpan) -> Item {
        let signed = signed.map { signed in
            Item.Signed(
                key: packet.copy(signed.key), salt: packet.copy(signed.salt), sequence: signed.sequence,
                signature: packet.copy(signed.signature))
        }
        return Item(value: packet.copy(value), signed: signed)
    }
}
