import KRPC
import Primitives

/// Items of our own that are stored again and again, since nodes forget them and go (BEP 44).
struct Publications: Sendable {
    struct Publication: Sendable {
        let id: LookupID
        let item: Item
        /// When the next round begins; nil while one is running.
        var dueAt: Instant?
    }

    private var publications: [Publication] = []

    var count: Int { publications.count }
    var nextDeadline: Instant? { publications.lazy.compactMap(\.dueAt).min() }

    /// False when there are too many, or there is one under this id.
    mutating func add(_ publication: Publication, limit: Int) -> Bool {
        guard publications.count < limit, !publications.contains(where: { $0.id == publication.id }) else {
            return false
        }
        publications.append(publication)
        return true
    }

    mutating func remove(_ id: LookupID) {
        publications.removeAll { $0.id == id }
    }

    func item(of id: LookupID) -> Item? { publications.first { $0.id == id }?.item }

    mutating func schedule(_ id: LookupID, at instant: Instant) {
        guard let index = publications.firstIndex(where: { $0.id == id }) else { return }
        publications[index].dueAt = instant
    }

    /// One whose round is to begin.
    mutating func popDue(now: Instant) -> Publication? {
        guard let index = publications.firstIndex(where: { $0.dueAt.map { $0 <= now } ?? false }) else { return nil }
        publications[index].dueAt = nil
        return publications[index]
    }
}

extension Node {
    /// After a round that could not begin, since too many lookups were running.
    private static let publicationRetry = Duration.seconds(10)

    mutating func publish(_ item: Item, under id: LookupID, now: Instant, into outbox: inout Outbox) {
        let publication = Publications.Publication(id: id, item: item)
        guard item.isStorable, lookups.reference(of: .caller(id)) == nil,
            publications.add(publication, limit: configuration.limits.publicationCount)
        else {
            counters.refused.publications += 1
            outbox.events.append(.lookupRefused(id))
            return
        }
        publish(publication, now: now, into: &outbox)
    }

    mutating func publish(_ publication: Publications.Publication, now: Instant, into outbox: inout Outbox) {
        let item = publication.item
        guard !start(.caller(publication.id), item.target, .put(item), now: now, into: &outbox) else { return }
        counters.refused.lookups += 1
        publications.schedule(publication.id, at: now + Self.publicationRetry)
    }

    /// A round is over: the next one is due in an hour, unless somebody has published something newer.
    mutating func publicationRoundFinished(
        _ id: LookupID, _ report: LookupReport, now: Instant, into outbox: inout Outbox
    ) {
        guard let item = publications.item(of: id) else { return }
        if let newest = report.item, let found = newest.signed, let mine = item.signed, found.sequence > mine.sequence {
            publications.remove(id)
            outbox.events.append(.publicationEnded(id, newer: newest))
            return
        }
        publications.schedule(id, at: now + configuration.republishInterval)
    }
}
