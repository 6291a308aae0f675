import Primitives

/// A torrent that turns out to be private (BEP 27): its metadata says so, and a magnet did not.
extension CandidateQueue {
    /// Forgets what neither the user nor a tracker named, and takes nothing of the kind from now on.
    mutating func becomePrivate() {
        isPrivate = true
        for (endpoint, record) in records where !Self.isAllowed(record.source) {
            leaveOrder(endpoint)
            unshelve(endpoint)
            records[endpoint] = nil
        }
    }

    /// Whether peers of a private torrent may come from there.
    static func isAllowed(_ source: CandidateOrder.Turn) -> Bool { source == .given || source == .tracker }

    /// Hosts that the user or a tracker named: a peer that called us does so from another port than it was named with.
    var allowedHosts: Set<Endpoint> {
        Set(records.lazy.filter { Self.isAllowed($0.value.source) }.map(\.key.host))
    }
}
