import Primitives
import Testing

@Suite struct HolderTableTests {
    private var table = HolderTable<Int>()

    private func v4(_ prefix: UInt8, _ host: UInt8, port: UInt16 = 1) -> Endpoint {
        .v4(9, 9, prefix, host, port: port)
    }

    @Test mutating func theOldestEntryOfTheGreediestHostGivesWay() {
        for id in 0..<3 { table.insert(id, heldBy: v4(1, 1, port: UInt16(id))) }
        table.insert(10, heldBy: v4(1, 2))
        table.insert(11, heldBy: v4(2, 1))
        table.insert(12, heldBy: v4(2, 2))
        #expect(table.greediest == 0)
        table.remove(0)
        #expect(table.greediest == 1)
        #expect(table.count(ofHostOf: v4(1, 1)) == 2)
        #expect(table.count(ofPrefixOf: v4(1, 9)) == 3)
        #expect(table.count == 5)
    }

    @Test mutating func aNewcomerCountsForItsNetwork() {
        table.insert(1, heldBy: v4(1, 1))
        table.insert(2, heldBy: v4(2, 1))
        #expect(table.greediest(besides: v4(1, 2)) == 1)
        #expect(table.greediest(besides: v4(2, 2)) == 2)
        table.insert(3, heldBy: v4(2, 2))
        #expect(table.greediest(besides: v4(3, 1)) == 2 || table.greediest(besides: v4(3, 1)) == 3)
        #expect(table.greediest(besides: v4(1, 2)).map { $0 > 1 } == true)
        #expect(HolderTable<Int>().greediest(besides: v4(1, 1)) == nil)
    }

    @Test mutating func aNetworkOfManyHostsGivesWayBeforeAHostOfAnother() {
        for id in 0..<5 { table.insert(id, heldBy: v4(1, UInt8(id))) }
        for id in 10..<13 { table.insert(id, heldBy: v4(2, 1, port: UInt16(id))) }
        #expect(table.greediest.map { $0 < 5 } == true)
        #expect(table.greediest(inPrefixOf: v4(2, 7)) == 10)
    }

    @Test mutating func networksOfIPv6AreFiftySixBitsWide() {
        let near = ["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:ff::1"].compactMap { Endpoint(host: $0, port: 1) }
        let far = ["2001:db8:0:100::1"].compactMap { Endpoint(host: $0, port: 1) }
        for (id, endpoint) in (near + far).enumerated() { table.insert(id, heldBy: endpoint) }
        #expect(table.count(ofPrefixOf: near[0]) == 3)
        #expect(table.count(ofPrefixOf: far[0]) == 1)
    }

    /// Else each newcomer would push out the one before it, where many networks hold one each.
    @Test mutating func ofEqualNetworksTheOneThatHasHeldLongestGivesWay() {
        for prefix in 0..<5 { table.insert(prefix, heldBy: v4(UInt8(prefix), 1)) }
        #expect(table.greediest == 0)
        table.remove(1)
        table.remove(0)
        #expect(table.greediest == 2)
        for id in 5..<50 {
            let oldest = table.greediest
            #expect(oldest == id - 3)
            if let oldest { table.remove(oldest) }
            table.insert(id, heldBy: v4(UInt8(id), 1))
        }
        #expect(table.count == 3)
    }

    @Test mutating func anEntryThatCameBackIsAsYoungAsItsLastArrival() {
        for id in 0..<3 { table.insert(id, heldBy: v4(1, 1)) }
        table.remove(0)
        table.insert(0, heldBy: v4(1, 1))
        #expect(table.greediest == 1)
        table.insert(1, heldBy: v4(1, 1))
        #expect(table.greediest == 1)
    }

    /// Against the same rule by search, over many random changes.
    @Test mutating func manyRandomChangesKeepTheCounts() {
        var generator = SeededGenerator(number: 7)
        var model: [(id: Int, endpoint: Endpoint)] = []
        for step in 0..<2_000 {
            if model.count < 50 || Bool.random(using: &generator) {
                let prefix = UInt8.random(in: 0..<4, using: &generator)
                let endpoint = v4(prefix, UInt8.random(in: 0..<4, using: &generator))
                table.insert(step, heldBy: endpoint)
                model.append((step, endpoint))
            } else {
                let place = Int.random(in: model.indices, using: &generator)
                table.remove(model.remove(at: place).id)
            }
            guard step % 10 == 0 else { continue }
            let held = { (same: (Endpoint) -> Endpoint, endpoint: Endpoint) in
                model.count { same($0.endpoint) == same(endpoint) }
            }
            guard let greediest = table.greediest, let entry = model.first(where: { $0.id == greediest })
            else {
                #expect(model.isEmpty)
                continue
            }
            #expect(table.count == model.count)
            let mostOfPrefix = model.map { held(\.prefix, $0.endpoint) }.max()
            #expect(held(\.prefix, entry.endpoint) == mostOfPrefix)
            let siblings = model.filter { $0.endpoint.prefix == entry.endpoint.prefix }
            #expect(held(\.host, entry.endpoint) == siblings.map { held(\.host, $0.endpoint) }.max())
            #expect(model.first { $0.endpoint.host == entry.endpoint.host }?.id == greediest)
        }
    }
}
