package import Primitives

/// Whom to serve (BEP 3, "choking"): tit for tat while we download, turns while we seed, and one chance for a stranger.
///
/// Peers that are interested compete for the regular places; the best are chosen anew every `interval` by what they
/// gave in that time. One more place is optimistic: its peer keeps it for `optimisticInterval`, whatever it gave,
/// so that better peers are found and newcomers get their first piece. A free place is given at once, without waiting
/// for the next round.
package struct Choker {
    /// What is known of a peer when places are given.
    package struct Rival: Equatable, Sendable {
        package let peer: PeerHandle
        /// Its host, which may have many connections.
        package var host: Endpoint?
        package var isInterested = false
        package var isUnchoked = false
        /// Payload that it gave us since the last round.
        package var received = 0
        /// Payload that we gave it since it was unchoked.
        package var sentInTurn = 0
        /// It did not give what it owed us in time, and no whole block since: it gets no regular place (anti-snubbing).
        package var isSnubbing = false
        /// It has had a place for a while and takes nothing.
        package var isIdle = false
        /// How often peers of its host had a place lately and took nothing.
        package var unusedTurns = 0
        package var connectedAt: Instant
        /// When it was unchoked or choked last; when it connected before that.
        package var changedAt: Instant

        package init(peer: PeerHandle, connectedAt: Instant) {
            self.peer = peer
            self.connectedAt = connectedAt
            changedAt = connectedAt
        }
    }

    package struct Decision: Equatable, Sendable {
        package var unchoke: [PeerHandle] = []
        package var choke: [PeerHandle] = []

        package init(unchoke: [PeerHandle] = [], choke: [PeerHandle] = []) {
            self.unchoke = unchoke
            self.choke = choke
        }
    }

    private let configuration: Swarm.Configuration
    private var nextRound: Instant
    private var nextOptimistic: Instant
    private var optimistic: PeerHandle?
    /// Regular places.
    private var slots: Int
    /// How many unchoked peers take nothing at the moment.
    package var idlePlaces = 0

    package init(_ configuration: Swarm.Configuration, now: Instant) {
        self.configuration = configuration
        nextRound = now + configuration.chokeInterval
        nextOptimistic = now
        slots = configuration.uploadSlots
    }

    package var places: Int { slots + 1 }

    /// Places beyond those: once most are idle, which costs nothing, each stands for itself and for one more trial, so
    /// that a crowd of peers that take nothing is passed in a few seconds, whatever its size.
    private var spare: Int {
        min(max(0, idlePlaces - places / 2) * 2, configuration.uploadSlotsIdleMax)
    }

    /// A link that carries much serves more peers at once, since few of them may want what we have.
    package mutating func linkCarries(_ bytesPerSecond: Double) {
        let wanted = min(Int(bytesPerSecond) / configuration.uploadSlotBytesPerSecond, configuration.uploadSlotsMax)
        slots = max(configuration.uploadSlots, wanted)
    }

    package func isDue(now: Instant) -> Bool { now >= nextRound }

    /// Whether a peer that has just become interested may be served at once, with so many served already.
    package func hasRoom(besides unchoked: Int) -> Bool { unchoked < places + spare }

    /// Gives the places anew.
    package mutating func round(
        _ rivals: [Rival], isSeeding: Bool, now: Instant, using generator: inout SeededGenerator
    ) -> Decision {
        nextRound = now + configuration.chokeInterval
        let interested = rivals.filter(\.isInterested)
        let ranked = isSeeding || !configuration.usesTitForTat ? inTurns(interested, now: now) : byGifts(interested)
        var chosen = Array(ranked.prefix(slots).map(\.peer))
        chooseOptimistic(among: interested.filter { !chosen.contains($0.peer) }, now: now, using: &generator)
        if let optimistic, !chosen.contains(optimistic) { chosen.append(optimistic) }
        // Places that tit for tat leaves free go to peers that wait.
        let waiting = Self.byHosts(
            interested.filter { !chosen.contains($0.peer) }, besides: interested.filter { chosen.contains($0.peer) })
        chosen += waiting.prefix(max(0, places + spare - chosen.count)).map(\.peer)
        return Decision(
            unchoke: interested.filter { !$0.isUnchoked && chosen.contains($0.peer) }.map(\.peer),
            choke: rivals.filter { $0.isUnchoked && !chosen.contains($0.peer) }.map(\.peer))
    }

    /// The best givers first; a peer that gave nothing has no claim to a regular place.
    private func byGifts(_ rivals: [Rival]) -> [Rival] {
        rivals.filter { $0.received > 0 && !$0.isSnubbing }.sorted {
            ($0.received, $1.connectedAt, $1.peer) > ($1.received, $0.connectedAt, $0.peer)
        }
    }

    /// Who has had its turn goes behind all that wait, the longest waiting first.
    private func inTurns(_ rivals: [Rival], now: Instant) -> [Rival] {
        let isOver = { (rival: Rival) in
            let age = now - rival.changedAt
            return rival.isUnchoked
                && (rival.isIdle || age >= configuration.seedTurnTimeMax
                    || rival.sentInTurn >= configuration.seedTurnBytes && age >= configuration.seedTurnTime)
        }
        let (over, others) = (rivals.filter(isOver), rivals.filter { !isOver($0) })
        let served = others.filter(\.isUnchoked).sorted(by: Self.waitsLonger)
        let waiting = Self.byHosts(others.filter { !$0.isUnchoked }, besides: served)
        // In the middle of a turn before those that wait.
        return served + waiting + over.sorted { ($0.changedAt, $0.peer) < ($1.changedAt, $1.peer) }
    }

    /// Those that wait, the longest waiting first, but hosts take turns: the second of a host comes behind the first of
    /// all others, and behind all if one of it is served.
    private static func byHosts(_ waiting: [Rival], besides served: [Rival]) -> [Rival] {
        var held: [Endpoint: Int] = [:]
        for case let host? in served.map(\.host) { held[host, default: 0] += 1 }
        let turns = waiting.sorted(by: waitsLonger).map { rival in
            guard let host = rival.host else { return (turn: 0, rival: rival) }
            defer { held[host, default: 0] += 1 }
            return (turn: held[host] ?? 0, rival: rival)
        }
        return turns.sorted {
            ($0.rival.unusedTurns, $0.turn) == ($1.rival.unusedTurns, $1.turn)
                ? waitsLonger($0.rival, $1.rival)
                : ($0.rival.unusedTurns, $0.turn) < ($1.rival.unusedTurns, $1.turn)
        }.map(\.rival)
    }

    private static func waitsLonger(_ left: Rival, _ right: Rival) -> Bool {
        (left.unusedTurns, left.changedAt, left.peer) < (right.unusedTurns, right.changedAt, right.peer)
    }

    /// Newcomers are drawn three times as often (BEP 3): they have no complete piece to trade yet.
    private mutating func chooseOptimistic(
        among rivals: [Rival], now: Instant, using generator: inout SeededGenerator
    ) {
        // One that was choked meanwhile, since it took nothing, has had its chance.
        let isStillThere = rivals.contains { $0.peer == optimistic && $0.isUnchoked && !$0.isIdle }
        guard now >= nextOptimistic || !isStillThere else { return }
        // The peer that had the place draws again only if no other is there.
        let least = rivals.map(\.unusedTurns).min() ?? 0
        let rivals = rivals.filter { $0.unusedTurns == least }
        let others = rivals.filter { $0.peer != optimistic }
        let candidates = others.isEmpty ? rivals : others
        let tickets = candidates.flatMap { rival in
            let isNewcomer = now - rival.connectedAt < configuration.newcomerTime
            return Array(repeating: rival.peer, count: isNewcomer ? 3 : 1)
        }
        optimistic = tickets.randomElement(using: &generator)
        nextOptimistic = now + configuration.optimisticInterval
    }
}
