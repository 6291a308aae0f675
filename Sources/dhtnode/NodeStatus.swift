import CommandSupport
import Kademlia

/// What a node has done so far, as a line for people and one for machines.
enum NodeStatus {
    static func text(_ statistics: Statistics, unsent: Int, _ limits: Budgets.Preset) -> String {
        let known = statistics.contactsV4 + statistics.contactsV6
        return "\(HumanText.count(known, "node")) known; "
            + "\(HumanText.count(statistics.queriesReceived.total, "query", "queries")) received, "
            + "\(statistics.answersSent) answered, \(statistics.refused.rateLimited) over the limit; "
            + "\(HumanText.count(statistics.queriesSent.total, "query", "queries")) sent, "
            + "\(statistics.answersReceived.total) answered; "
            + (unsent > 0 ? "\(HumanText.count(unsent, "datagram")) could not be sent; " : "")
            + "\(HumanText.count(statistics.peersStored, "peer")) of "
            + "\(HumanText.count(statistics.infoHashes, "infohash", "infohashes")) stored; " + text(limits, statistics)
    }

    /// What the limits are about, as far as they are counted.
    private static func text(_ limits: Budgets.Preset, _ statistics: Statistics) -> String {
        guard limits != .off else { return "limits off" }
        let budgets = statistics.budgets
        return "limits \(limits.rawValue): \(HumanText.count(budgets.liveFlows, "flow")), "
            + "\(HumanText.count(budgets.paused.total, "query", "queries")) held back"
    }

    static func line(_ statistics: Statistics, unsent: Int, _ limits: Budgets.Preset) -> JSONLine {
        let budgets = statistics.budgets
        let isCounted = limits != .off
        return JSONLine(
            event: "status",
            [
                .init("contacts_v4", .integer(statistics.contactsV4)),
                .init("contacts_v6", .integer(statistics.contactsV6)),
                .init("queries_received", .integer(statistics.queriesReceived.total)),
                .init("answers_sent", .integer(statistics.answersSent)),
                .init("errors_sent", .integer(statistics.errorsSent)),
                .init("rate_limited", .integer(statistics.refused.rateLimited)),
                .init("queries_sent", .integer(statistics.queriesSent.total)),
                .init("answers_received", .integer(statistics.answersReceived.total)),
                .init("datagrams_unsent", .integer(unsent)),
                .init("info_hashes", .integer(statistics.infoHashes)),
                .init("peers_stored", .integer(statistics.peersStored)),
                .init("limits", .string(limits.rawValue)),
                .init("packets_per_second", isCounted ? .number(budgets.packetsPerSecond) : .null),
                .init("new_endpoints_per_second", isCounted ? .number(budgets.newEndpointsPerSecond) : .null),
                .init("live_flows", isCounted ? .integer(budgets.liveFlows) : .null),
                .init("queries_held_back", isCounted ? .integer(budgets.paused.total) : .null),
            ])
    }
}
