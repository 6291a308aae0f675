import OrderedCollections
import Primitives
import TrackerProtocol

/// One torrent's trackers: the schedule of its announces, and those over UDP that are under way.
struct TorrentTrackers {
    var schedule: AnnounceSchedule
    private var generator: SeededGenerator
    /// Ordered, waiting for the address of the host.
    private var orders: OrderedDictionary<AnnounceNumber, AnnounceOrder> = [:]
    private var exchanges: OrderedDictionary<AnnounceNumber, Exchange> = [:]
    /// What the last announce to an address left; at most one for each tracker and family.
    private var connections: [Endpoint: UDPConnection] = [:]

    /// An announce over UDP, with whom and from where.
    struct Exchange {
        let endpoint: Endpoint
        let home: Int
        var transaction: UDPTrackerTransaction
    }

    init(schedule: AnnounceSchedule, generator: SeededGenerator) {
        self.schedule = schedule
        self.generator = generator
    }

    /// Mutating, so that it is called in place, as it is with each fact.
    mutating func nextDeadline() -> Instant? {
        var earliest = schedule.nextDeadline
        for exchange in exchanges.values {
            guard let deadline = exchange.transaction.nextDeadline else { continue }
            earliest = earliest.map { min($0, deadline) } ?? deadline
        }
        return earliest
    }

    func exchange(_ number: AnnounceNumber) -> Exchange? { exchanges[number] }

    func waiting(_ number: AnnounceNumber) -> AnnounceOrder? { orders[number] }

    /// The address of the tracker is not known yet.
    mutating func wait(for order: AnnounceOrder) {
        orders[order.number] = order
    }

    /// Nil if the announce was cancelled meanwhile.
    mutating func begin(
        _ number: AnnounceNumber, at endpoint: Endpoint, via home: Int, now: Instant
    ) -> UDPTrackerTransaction.Output? {
        guard let order = orders.removeValue(forKey: number), let question = order.question else { return nil }
        var transaction = UDPTrackerTransaction(
            question, family: endpoint.family, connection: connections[endpoint], generator: generator.split())
        let output = transaction.start(now: now)
        exchanges[number] = Exchange(endpoint: endpoint, home: home, transaction: transaction)
        return output
    }

    /// Nil for what did not come from the tracker that was asked, or is no answer.
    mutating func received(
        _ bytes: RawSpan, from source: Endpoint, at home: Int, _ number: AnnounceNumber, now: Instant
    ) -> UDPTrackerTransaction.Output? {
        guard let index = exchanges.index(forKey: number), exchanges.values[index].endpoint == source,
            exchanges.values[index].home == home
        else { return nil }
        let output = exchanges.values[index].transaction.received(bytes, now: now)
        connections[source] = exchanges.values[index].transaction.connection
        return output
    }

    mutating func timedOut(now: Instant) -> [(AnnounceNumber, UDPTrackerTransaction.Output)] {
        var outputs: [(AnnounceNumber, UDPTrackerTransaction.Output)] = []
        for index in exchanges.values.indices {
            guard let output = exchanges.values[index].transaction.timedOut(now: now) else { continue }
            outputs.append((exchanges.keys[index], output))
        }
        return outputs
    }

    /// The announce is over.
    ///
    /// Returns the number that its next answer would have had.
    mutating func forget(_ number: AnnounceNumber) -> UInt32? {
        orders[number] = nil
        return exchanges.removeValue(forKey: number)?.transaction.transactionID
    }
}
