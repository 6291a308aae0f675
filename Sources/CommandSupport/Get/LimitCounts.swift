package import Client
package import Swarm

/// What the limits of one torrent, or of the whole client, have refused, put off or taken back (docs/security.md), as
/// one line for people.
package struct LimitCounts {
    private let counts: [(count: Int, one: String, many: String)]

    package init(_ snapshot: TorrentSnapshot) {
        counts = [
            (snapshot.peersBanned, "address banned", "addresses banned"),
            (snapshot.callersRefused, "caller refused", "callers refused"),
            (snapshot.peersDisplaced, "connection gave way", "connections gave way"),
            (snapshot.candidatesRefused, "endpoint not kept", "endpoints not kept"),
            (snapshot.candidatesDisplaced, "endpoint displaced", "endpoints displaced"),
            (snapshot.floods, "peer dropped for too many messages", "peers dropped for too many messages"),
            (snapshot.requestFailures, "request failed", "requests failed"),
            (snapshot.metadataEvictions, "copy of the metadata dropped", "copies of the metadata dropped"),
            (snapshot.unusedTurns, "upload place unused", "upload places unused"),
            (snapshot.stuckUploads, "peer dropped that did not read", "peers dropped that did not read"),
        ]
    }

    package init(_ statistics: ClientStatistics) {
        counts = [
            (statistics.pendingDisplaced, "connection gave way unopened", "connections gave way unopened"),
            (statistics.keyExchangesRefused, "key exchange refused", "key exchanges refused"),
            (statistics.attemptsDeferred, "attempt put off", "attempts put off"),
            (statistics.returnsRefused, "returning caller refused", "returning callers refused"),
            (statistics.localAnnouncesPassedOver, "local announce passed over", "local announces passed over"),
        ]
    }

    /// Nil while no limit was reached.
    package var text: String? {
        let reached = counts.filter { $0.count > 0 }.map { HumanText.count($0.count, $0.one, $0.many) }
        return reached.isEmpty ? nil : "limits: " + reached.joined(separator: ", ")
    }
}
