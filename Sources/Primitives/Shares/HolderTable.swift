/// The holders of a bounded resource, and the entry that gives way when all of it is taken.
///
/// The one rule for everything that a peer, a host or a network can hold. No entry is refused for being one of many: as
/// long as there is room, all behind one address get in, since whole companies share one. When there is none, the
/// network that holds most gives way, in it the host that holds most, and of its entries the oldest. So a host or a
/// network that wants everything competes with itself, and a newcomer from elsewhere always gets in.
///
/// Every change is of constant cost. Which entry gives way depends on the sequence of calls alone.
package struct HolderTable<ID: Hashable & Sendable>: Sendable {
    /// The entries of one host, the oldest first.
    private struct Host {
        /// Also of entries that have left, recognised by their number.
        var arrivals: [(id: ID, number: Int)] = []
        var first = 0
        var count = 0
    }

    private struct Entry {
        let host: Endpoint
        let number: Int
    }

    /// Hosts of one prefix.
    private var hostsByPrefix: [Endpoint: Ranking<Endpoint>] = [:]
    private var prefixes = Ranking<Endpoint>()
    private var hosts: [Endpoint: Host] = [:]
    private var entries: [ID: Entry] = [:]
    private var nextNumber = 0

    package init() {}

    package var count: Int { entries.count }

    package func contains(_ id: ID) -> Bool { entries[id] != nil }

    /// How many entries the host of `endpoint` has, whatever its ports.
    package func count(ofHostOf endpoint: Endpoint) -> Int { hosts[endpoint.host]?.count ?? 0 }

    /// How many entries the network of `endpoint` has.
    package func count(ofPrefixOf endpoint: Endpoint) -> Int { prefixes.count(of: endpoint.prefix) }

    /// Whether the network of `endpoint` would hold less than another, even with one more.
    package func wouldHoldLess(prefixOf endpoint: Endpoint) -> Bool {
        prefixes.highestCount > 1 && count(ofPrefixOf: endpoint) + 1 < prefixes.highestCount
    }

    /// Notes that `endpoint` holds one more; an `id` that is there stays as it is.
    package mutating func insert(_ id: ID, heldBy endpoint: Endpoint) {
        guard entries[id] == nil else { return }
        let (host, prefix) = (endpoint.host, endpoint.prefix)
        entries[id] = Entry(host: host, number: nextNumber)
        hosts[host, default: Host()].arrivals.append((id, nextNumber))
        hosts[host, default: Host()].count += 1
        nextNumber += 1
        prefixes.increment(prefix)
        hostsByPrefix[prefix, default: Ranking()].increment(host)
    }

    package mutating func remove(_ id: ID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        let prefix = entry.host.prefix
        prefixes.decrement(prefix)
        hostsByPrefix[prefix]?.decrement(entry.host)
        if hostsByPrefix[prefix]?.keyCount == 0 { hostsByPrefix[prefix] = nil }
        guard var host = hosts.removeValue(forKey: entry.host) else { return }
        host.count -= 1
        guard host.count > 0 else { return }
        dropLeft(of: &host)
        hosts[entry.host] = host
    }

    /// The entry that gives way to a newcomer.
    package var greediest: ID? {
        prefixes.highest.flatMap { greediest(inPrefixOf: $0) }
    }

    /// The entry that gives way to one more of `endpoint`: one of its own network, if that would then hold the most.
    package func greediest(besides endpoint: Endpoint) -> ID? {
        let highest = prefixes.highest.map { prefixes.count(of: $0) } ?? 0
        return count(ofPrefixOf: endpoint) + 1 > highest ? greediest(inPrefixOf: endpoint) ?? greediest : greediest
    }

    /// The same within one network: what gives way when that network's share is used up.
    package func greediest(inPrefixOf endpoint: Endpoint) -> ID? {
        hostsByPrefix[endpoint.prefix]?.highest.flatMap { oldest(ofHostOf: $0) }
    }

    package func oldest(ofHostOf endpoint: Endpoint) -> ID? {
        guard let host = hosts[endpoint.host] else { return nil }
        return host.arrivals[host.first...].first { isHere($0) }?.id
    }

    private func isHere(_ arrival: (id: ID, number: Int)) -> Bool { entries[arrival.id]?.number == arrival.number }

    /// Forgets arrivals that have left: those at the front at once, the others when they are the larger part.
    private func dropLeft(of host: inout Host) {
        while host.first < host.arrivals.count, !isHere(host.arrivals[host.first]) { host.first += 1 }
        if host.arrivals.count > 2 * host.count + 8 {
            host.arrivals = host.arrivals[host.first...].filter(isHere)
            host.first = 0
        }
    }
}
