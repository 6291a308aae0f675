package import Primitives

/// What a tracker answered to an announce.
package struct AnnounceReply: Hashable, Sendable {
    /// In the tracker's order, none with port 0, at most `TrackerLimits.peers`.
    package var peers: [Endpoint] = []
    /// When to come back; nil if it was missing or not positive.
    package var interval: Duration?
    /// How soon at the earliest.
    package var minInterval: Duration?
    /// Peers that have everything; nil if not said.
    package var seeders: Int?
    /// Peers that still download; nil if not said.
    package var leechers: Int?
    /// To be sent back with every announce (BEP 3).
    package var trackerID: [UInt8]?
    /// Our address as the tracker sees it, with port 0 (BEP 24).
    package var externalAddress: Endpoint?
    /// Text from the network, cut short but not escaped.
    package var warning: String?
    /// Peers that had port 0, a host name or a broken address, or were beyond the limit.
    package var droppedPeers = 0

    package init() {}
}

extension AnnounceReply {
    mutating func add(_ peer: Endpoint) {
        guard peer.port != 0, peers.count < TrackerLimits.peers else {
            droppedPeers += 1
            return
        }
        peers.append(peer.unmapped)
    }

    /// Peers of one family side by side (BEP 23, BEP 7, BEP 15); an incomplete last one is left out.
    mutating func addCompactPeers(_ bytes: RawSpan, in range: Range<Int>, family: Endpoint.Family) {
        let size = family == .v4 ? Endpoint.compactByteCountV4 : Endpoint.compactByteCountV6
        for index in 0..<range.count / size {
            let offset = range.lowerBound + index * size
            add(family == .v4 ? .compactV4(bytes, at: offset) : .compactV6(bytes, at: offset))
        }
    }
}

extension Endpoint {
    /// An IPv4 address written as an IPv6 one (`::ffff:1.2.3.4`) as what it is: trackers with one socket send them.
    var unmapped: Endpoint {
        guard case .v6(let endpoint) = self, endpoint.high == 0, endpoint.low >> 32 == 0xFFFF else { return self }
        return .v4(EndpointV4(address: UInt32(truncatingIfNeeded: endpoint.low), port: endpoint.port))
    }
}

/// How many peers a torrent has at one tracker.
package struct SwarmCounts: Hashable, Sendable {
    /// Peers that have everything.
    package var seeders: Int
    /// Downloads that were ever finished.
    package var completed: Int
    /// Peers that still download.
    package var leechers: Int

    package init(seeders: Int, completed: Int, leechers: Int) {
        self.seeders = seeders
        self.completed = completed
        self.leechers = leechers
    }
}
