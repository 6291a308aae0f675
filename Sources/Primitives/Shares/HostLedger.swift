/// An amount that each host has run up lately, which is remembered when its connections end.
///
/// Amounts halve with time. A host of IPv6 is its /56, since it may take any address there. The table is bounded: when
/// it is full, the entry that `HolderTable` names gives way.
package struct HostLedger: Sendable {
    private struct Entry {
        var amount: Int
        /// Up to then the amount has been halved.
        var since: Instant
    }

    private let hostsMax: Int
    private let halfLife: Duration
    private var entries: [Endpoint: Entry] = [:]
    private var holders = HolderTable<Endpoint>()

    package init(hostsMax: Int, halfLife: Duration) {
        self.hostsMax = hostsMax
        self.halfLife = halfLife
    }

    package var count: Int { entries.count }

    package func amount(of endpoint: Endpoint, now: Instant) -> Int {
        guard let entry = entries[endpoint.holder] else { return 0 }
        return halved(entry, now: now).amount
    }

    package mutating func add(_ amount: Int, to endpoint: Endpoint, now: Instant) {
        let host = endpoint.holder
        if let entry = entries[host] {
            var entry = halved(entry, now: now)
            entry.amount += amount
            entries[host] = entry
            return
        }
        if entries.count >= hostsMax, let greediest = holders.greediest {
            holders.remove(greediest)
            entries[greediest] = nil
        }
        entries[host] = Entry(amount: amount, since: now)
        holders.insert(host, heldBy: host)
    }

    private func halved(_ entry: Entry, now: Instant) -> Entry {
        let times = max(0, (now - entry.since).wholeNanoseconds / max(1, halfLife.wholeNanoseconds))
        let shift = min(times, 62)
        return Entry(
            amount: entry.amount >> shift, since: times > 62 ? now : entry.since + halfLife * Int(times))
    }
}

extension Endpoint {
    /// What one host may hold addresses of: the address itself, or the /56 of an IPv6 address.
    package var holder: Endpoint {
        switch self {
        case .v4: host
        case .v6: prefix
        }
    }
}
