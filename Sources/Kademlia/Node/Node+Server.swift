import KRPC
import Primitives

/// Where a query came from, and what its answer has to repeat.
struct Origin {
    let endpoint: Endpoint
    let home: HomeIndex
    let transaction: Range<Int>
    /// What the answer is paid from; set when it is admitted.
    var account = AnswerBudget.Account.unlimited
}

/// The node as a server: every query is answered from the table and the stores (BEP 5, BEP 32).
extension Node {
    mutating func queried(
        _ query: Query, _ message: Message, _ packet: RawSpan, _ origin: Origin, now: Instant,
        into outbox: inout Outbox
    ) {
        count(query.method)
        guard !isOwn(query.id) else {
            counters.refused.ownID += 1
            return
        }
        var origin = origin
        guard admits(&origin, packet, now: now) else { return }
        switch query.method {
        case .ping: reply(ReplyContent(), origin, packet, into: &outbox)
        case .findNode(let target), .unknown(let target):
            var content = outbox.takeReplyContent()
            fillNodes(&content, near: target, want: query.want, at: origin.home)
            reply(content, origin, packet, into: &outbox)
            outbox.giveBack(content)
        case .getPeers(let infoHash, let options):
            var content = outbox.takeReplyContent()
            let isScrape = options.contains(.scrape)
            fillNodes(&content, near: infoHash, want: query.want, isBesideMuch: isScrape, at: origin.home)
            content.token = tokens.token(for: infoHash, id: query.id, endpoint: origin.endpoint, now: now)
            if isScrape { fillFilters(&content, of: infoHash, now: now) }
            fillValues(&content, of: infoHash, withoutSeeds: options.contains(.noSeeds), origin, now: now)
            reply(content, origin, packet, into: &outbox)
            outbox.giveBack(content)
        case .announcePeer(let announcement):
            announced(announcement, by: query.id, packet, &origin, now: now, into: &outbox)
        case .get(let target, let sequence):
            asked(forItem: target, newerThan: sequence, query, origin, packet, now: now, into: &outbox)
        case .put(let arguments):
            stored(arguments, by: query.id, packet, &origin, now: now, into: &outbox)
        case .sampleInfoHashes(let target):
            var content = outbox.takeReplyContent()
            fillNodes(&content, near: target, want: query.want, isBesideMuch: true, at: origin.home)
            fillSample(&content, now: now)
            reply(content, origin, packet, into: &outbox)
            outbox.giveBack(content)
        }
        // After the answer: who asks may become a contact, once it has answered us.
        if !message.isReadOnly { noteSender(query.id, origin, now: now) }
    }

    /// Answers with an error, if the source may have an answer at all.
    mutating func refuse(
        _ origin: Origin, _ code: ErrorCode, _ text: StaticString, packet: RawSpan, now: Instant,
        into outbox: inout Outbox
    ) {
        counters.refused.malformed += 1
        var origin = origin
        guard admits(&origin, packet, isMalformed: true, now: now) else { return }
        sendError(code, text, origin, packet, into: &outbox)
    }

    private mutating func announced(
        _ announcement: Announcement, by id: NodeID, _ packet: RawSpan, _ origin: inout Origin, now: Instant,
        into outbox: inout Outbox
    ) {
        let token = packet.extracting(announcement.token)
        guard
            tokens.accepts(token, for: announcement.infoHash, id: id, endpoint: origin.endpoint, now: now)
                || !configuration.checksTokens
        else {
            counters.refused.badToken += 1
            sendError(.protocol, "bad token", origin, packet, into: &outbox)
            return
        }
        proved(&origin, now: now)
        var peer = origin.endpoint
        if let port = announcement.port { peer.port = port }
        guard configuration.networkMode.accepts(peer) else {
            counters.refused.badPort += 1
            sendError(.protocol, "no peer can be there", origin, packet, into: &outbox)
            return
        }
        let outcome = store.announce(
            announcement.infoHash, peer: peer, isSeed: announcement.isSeed, now: now, using: &generator)
        if outcome == .refused { counters.refused.announces += 1 }
        // Also when refused: the announcer can do nothing about it, and others hold the peer.
        reply(ReplyContent(), origin, packet, into: &outbox)
    }

    /// `want`, or the family of the home that was asked, decides which nodes are sent (BEP 32).
    ///
    /// - Parameter isBesideMuch: half of the packet is for something else, so two families share what one may take.
    mutating func fillNodes(
        _ content: inout ReplyContent, near target: ID160, want: Want?, isBesideMuch: Bool = false, at home: HomeIndex
    ) {
        let defaultWant: Want = homes.span[home].family == .v4 ? .n4 : .n6
        let want = want.flatMap { $0.isEmpty ? nil : $0 } ?? defaultWant
        let room = isBesideMuch && want == [.n4, .n6] ? Self.nodesPerReply / 2 : Self.nodesPerReply
        let count = min(configuration.bucketSize, room)
        if want.contains(.n4), let source = homeForNodes(of: .v4, asked: home) {
            appendClosest(to: target, count: count, at: source, into: &content.nodes.orEmpty)
        } else {
            content.nodes = nil
        }
        if want.contains(.n6), let source = homeForNodes(of: .v6, asked: home) {
            appendClosest(to: target, count: count, at: source, into: &content.nodes6.orEmpty)
        } else {
            content.nodes6 = nil
        }
    }

    /// Two families of 8 take 512 bytes, which leaves half of a packet for peers.
    private static let nodesPerReply = 8

    private mutating func homeForNodes(of family: Endpoint.Family, asked home: HomeIndex) -> HomeIndex? {
        homes.span[home].family == family ? home : self.home(of: family)
    }

    private mutating func fillValues(
        _ content: inout ReplyContent, of infoHash: InfoHash, withoutSeeds: Bool, _ origin: Origin, now: Instant
    ) {
        let family = origin.endpoint.family
        guard store.peerCount(of: infoHash, family: family) > 0 else { return }
        let room = MessageEncoder.valuesThatFit(
            family, beside: content, transactionByteCount: origin.transaction.count, observed: origin.endpoint,
            limit: min(configuration.limits.replyByteCount, origin.account.room))
        store.appendPeers(
            of: infoHash, family: family, upTo: room, withoutSeeds: withoutSeeds, now: now, using: &generator,
            to: &content.values)
    }

    private mutating func fillFilters(_ content: inout ReplyContent, of infoHash: InfoHash, now: Instant) {
        let filters = store.scrape(infoHash, now: now)
        content.extra = .filters(seeds: filters.seeds.bytes, peers: filters.peers.bytes)
    }

    mutating func reply(
        _ content: ReplyContent, _ origin: Origin, _ packet: RawSpan, into outbox: inout Outbox
    ) {
        let start = outbox.bytes.count
        homes[origin.home].encoder.reply(
            content, to: origin.transaction, of: packet, observed: origin.endpoint, into: &outbox.bytes)
        guard outbox.bytes.count - start <= origin.account.room else {
            return replyBriefly(content, origin, packet, from: start, into: &outbox)
        }
        finishAnswer(from: start, origin, into: &outbox)
        counters.answersSent += 1
    }

    mutating func sendError(
        _ code: ErrorCode, _ text: StaticString, _ origin: Origin, _ packet: RawSpan, into outbox: inout Outbox
    ) {
        let start = outbox.bytes.count
        homes[origin.home].encoder.error(
            code, text, to: origin.transaction, of: packet, observed: origin.endpoint, into: &outbox.bytes)
        guard outbox.bytes.count - start <= origin.account.room else {
            return withhold(from: start, into: &outbox)
        }
        finishAnswer(from: start, origin, into: &outbox)
        counters.errorsSent += 1
    }

    private mutating func count(_ method: Query.Method) {
        switch method {
        case .ping: counters.queriesReceived.ping += 1
        case .findNode: counters.queriesReceived.findNode += 1
        case .getPeers: counters.queriesReceived.getPeers += 1
        case .announcePeer: counters.queriesReceived.announcePeer += 1
        case .get: counters.queriesReceived.get += 1
        case .put: counters.queriesReceived.put += 1
        case .sampleInfoHashes: counters.queriesReceived.sampleInfoHashes += 1
        case .unknown: counters.queriesReceived.unknown += 1
        }
    }
}

extension [Contact]? {
    /// The array itself, made if it is missing.
    fileprivate var orEmpty: [Contact] {
        get { self ?? [] }
        _modify {
            var array = self.take() ?? []
            defer { self = array }
            yield &array
        }
    }
}
