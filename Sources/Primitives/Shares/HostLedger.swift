/// An amount that each host has run up lately, which is remembered when its connections end.
///
/// Amounts halve with time. A host of IPv6 is its /56, since it may take any address there. The table is bounded: when
/// it is full, the entry that `HolderTable` names gives way.
package struct HostLedger: Sendable {
    private let hostsMax: Int
    private let halfLife: Duration
    private var entries: [Endpoint: FadingAmount] = [:]
    private var holders = HolderTable<Endpoint>()

    package init(hostsMax: Int, halfLife: Duration) {
        self.hostsMax = hostsMax
        self.halfLife = halfLife
    }

    package var count: Int { entries.count }

    package func amount(of endpoint: Endpoint, now: Instant) -> Int {
        entries[endpoint.holder]?.amount(now: now) ?? 0
    }

    package mutating func add(_ amount: Int, to endpoint: Endpoint, now: Instant) {
        let host = endpoint.holder
        guard entries[host] == nil else {
            entries[host]?.add(amount, now: now)
            return
        }
        if entries.count >= hostsMax, let greediest = holders.greediest {
            holders.remove(greediest)
            entries[greediest] = nil
        }
        var entry = FadingAmount(halfLife: halfLife)
        entry.add(amount, now: now)
        entries[host] = entry
        holders.insert(host, heldBy: host)
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
