import KRPC
import Kademlia
import Primitives
import Simulator

/// The routing table, filled with whoever of 20,000 nodes it takes.
func measureTables(with meter: inout Meter) {
    for (name, kind) in [("default", NodeConfiguration.standard), ("compact", .compact)] {
        let configuration = kind.configuration
        var generator = SeededGenerator(number: 2)
        var table = RoutingTable<EndpointV4>(ownID: .random(using: &generator), configuration: configuration)
        let now = Instant.origin + .seconds(1000)
        for _ in 0..<20_000 {
            let (id, address) = stranger(using: &generator)
            _ = table.answered(id: id, address: address, roundTrip: .milliseconds(100), now: now)
        }
        let known = table.contacts.map { ($0.id, $0.address) }
        let strangers = (0..<4096).map { _ in stranger(using: &generator) }
        let title = "table of \(known.count) contacts (\(name))"
        meter.measure("\(title): a contact answered") { count in
            for index in 0..<count {
                let (id, address) = known[index % known.count]
                keep(table.answered(id: id, address: address, roundTrip: .milliseconds(100), now: now))
            }
        }
        meter.measure("\(title): a stranger asked") { count in
            for index in 0..<count {
                let (id, address) = strangers[index % strangers.count]
                keep(table.heard(id: id, address: address, now: now))
            }
        }
        meter.measure("\(title): a stranger answered") { count in
            for index in 0..<count {
                let (id, address) = strangers[index % strangers.count]
                keep(table.answered(id: id, address: address, roundTrip: .milliseconds(100), now: now))
            }
        }
        var closest: [Contact] = []
        meter.measure("\(title): the 8 closest") { count in
            for index in 0..<count {
                closest.removeAll(keepingCapacity: true)
                table.appendClosest(to: strangers[index % strangers.count].0, count: 8, into: &closest)
            }
        }
    }
}

private func stranger(using generator: inout SeededGenerator) -> (NodeID, EndpointV4) {
    let address = UInt32.random(in: 0x1800_0000...0x37FF_FFFF, using: &generator)
    return (.random(using: &generator), EndpointV4(address: address, port: 6881))
}
