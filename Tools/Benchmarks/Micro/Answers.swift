import KRPC
import Kademlia
import Primitives
import Simulator

/// A node of a network of 500, as it answers: decoding, limits lifted, table, store and encoding, without a socket.
func measureNode(with meter: inout Meter) {
    var configuration = Configuration()
    configuration.budgets = Budgets(preset: .off)
    guard var node = inhabitant(configuration) else { return }
    var generator = SeededGenerator(number: 4)
    let now = Instant.origin + .seconds(700)
    var outbox = Outbox()
    for verb in ["ping", "find_node", "get_peers"] {
        let queries = (0..<1024).map { _ in query(verb, using: &generator) }
        let sources = queries.map { _ in Endpoint.random(using: &generator) }
        meter.measure("answer \(verb)") { count in
            for index in 0..<count {
                let place = index % queries.count
                let packet = queries[place]
                node.received(packet.span.bytes, from: sources[place], at: 0, now: now, into: &outbox)
                outbox.clear()
            }
        }
    }
}

/// One of those who have lived together for ten minutes.
private func inhabitant(_ configuration: Configuration) -> Node? {
    let latency = LatencyModel.logNormal(medianRoundTrip: .milliseconds(120), p90RoundTrip: .milliseconds(400))
    var network = VirtualNetwork(latency: latency, generator: SeededGenerator(number: 3))
    for number in 0..<500 {
        let host = network.addNode(configuration: configuration)
        if number > 0 { network.command(.bootstrap([network.endpoint(of: number / 2)]), to: host) }
        network.run(until: network.now + .milliseconds(100))
    }
    network.run(until: .origin + .seconds(650))
    return network.node(100)
}

private func query(_ verb: String, using generator: inout SeededGenerator) -> [UInt8] {
    let encoder = MessageEncoder(id: .random(using: &generator))
    let target = ID160.random(using: &generator)
    var bytes: [UInt8] = []
    switch verb {
    case "ping": encoder.ping(number: 1, into: &bytes)
    case "find_node": encoder.findNode(target: target, number: 1, into: &bytes)
    default: encoder.getPeers(infoHash: target, number: 1, into: &bytes)
    }
    return bytes
}
