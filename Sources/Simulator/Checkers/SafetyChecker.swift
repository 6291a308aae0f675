import Kademlia
import Primitives

/// Watches all nodes of a network beside the scenario: every packet as it passes, and what the nodes hold now and then.
///
/// It watches every host for itself, so that a scenario with a checker cannot take the packets of watched hosts.
package struct SafetyChecker: Sendable {
    /// Events between two looks at what one more node holds.
    private static let eventsPerSample = 16

    private var traffic: [TrafficChecker?] = []
    private var state = StateChecker()
    private var eventsSinceSample = 0
    private var nextSample = 0
    package private(set) var packetsChecked = 0
    package private(set) var statesChecked = 0

    package init() {}

    /// Looks at what the last event did; call it after each.
    package mutating func observe(_ network: inout VirtualNetwork) {
        while traffic.count < network.hostCount { watch(traffic.count, in: &network) }
        if let log = network.takePackets() {
            for entry in log.entries {
                packetsChecked += 1
                let packet = log.bytes.span.bytes.extracting(entry.range)
                if entry.isSent {
                    traffic[entry.host]?.sent(packet, to: entry.other, at: entry.at)
                } else {
                    traffic[entry.host]?.received(packet, from: entry.other, at: entry.at)
                }
            }
            network.giveBack(log)
        }
        if let fired = network.lastFired {
            let deadline = network.withNode(fired.host, { $0.nextDeadline })
            if let deadline {
                state.checkDeadline(deadline, wasTimer: fired.wasTimer, host: fired.host, now: network.now)
            }
            traffic[fired.host]?.interrupted()
        }
        eventsSinceSample += 1
        guard eventsSinceSample >= Self.eventsPerSample else { return }
        eventsSinceSample = 0
        nextSample = (nextSample + 1) % max(1, network.hostCount)
        check(nextSample, of: network)
    }

    /// Looks at what every node holds.
    package mutating func checkAll(_ network: VirtualNetwork) {
        for host in 0..<min(network.hostCount, traffic.count) { check(host, of: network) }
    }

    package var violationCount: Int {
        state.violationCount + traffic.reduce(0) { $0 + ($1?.violationCount ?? 0) }
    }

    /// The first ones of each kind of checker, by host.
    package var violations: [Violation] {
        var log = state.violationLog
        for checker in traffic { if let checker { log.append(checker.violationLog) } }
        return log.violations
    }

    private mutating func watch(_ host: HostIndex, in network: inout VirtualNetwork) {
        let configuration = network.withNode(host) { $0.configuration }
        network.setWatched(configuration != nil, host)
        traffic.append(
            configuration.map { TrafficChecker(.init(host: host, own: network.endpoint(of: host), $0)) })
    }

    private mutating func check(_ host: HostIndex, of network: VirtualNetwork) {
        guard let facts = network.withNode(host, { NodeFacts($0) }), let traffic = traffic[host] else { return }
        statesChecked += 1
        state.check(facts, host: host, now: network.now, hasAnswered: traffic.hasAnswered)
    }
}
