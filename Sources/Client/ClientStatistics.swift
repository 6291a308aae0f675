import Swarm

/// What was refused or put off at the doors of a client, of all torrents together, since its start.
package struct ClientStatistics: Equatable, Sendable {
    /// Incoming connections whose handshake has not come yet.
    package var pendingConnections = 0
    /// Those that gave way to others because there were too many.
    package var pendingDisplaced = 0
    /// Callers refused because too many key exchanges were asked for.
    package var keyExchangesRefused = 0
    /// Attempts at peers that were put off, by host, network or number.
    package var attemptsDeferred = 0
    /// Callers refused because their host had come and gone too often.
    package var returnsRefused = 0
    /// Announces of neighbours that were passed over.
    package var localAnnouncesPassedOver = 0

    package init() {}
}

extension Client {
    package var statistics: ClientStatistics {
        var statistics = ClientStatistics()
        statistics.pendingConnections = lobby.count
        statistics.pendingDisplaced = lobby.displacedCount
        statistics.keyExchangesRefused = lobby.exchangesRefusedCount
        statistics.attemptsDeferred = connectLimits.deferredCount
        statistics.returnsRefused = connectLimits.returnsRefusedCount
        statistics.localAnnouncesPassedOver = local?.passedOverCount ?? 0
        return statistics
    }
}
