import KRPC
import Kademlia
import Primitives
import Testing

/// Which of two good contacts a full bucket keeps.
@Suite struct TableRulesTests {
    /// A contact of the first bucket (our id is zero) whose next bits are `slot`, at an address of its own network.
    private func add(
        slot: UInt64, number: UInt32, milliseconds: Int = 100, secure: Bool = false,
        to table: inout RoutingTable<EndpointV4>
    ) -> (NodeID, TableAdmission) {
        let address = EndpointV4(address: 0x2C00_0001 + number << 8, port: 6881)
        var id = NodeID(high: 1 << 63 | slot << 60 | UInt64(number), middle: 0, low: number)
        if secure {
            // Eight ids fit an address; one of them is in the upper half, but its other bits are what they are.
            let random = (0..<8).map { NodeID(high: 0, middle: 0, low: number << 3 | $0) }
            id = random.map { SecureID.make(for: .v4(address), random: $0) }.first { $0.high >> 63 == 1 } ?? id
        }
        let outcome = table.answered(id: id, address: address, roundTrip: .milliseconds(milliseconds), now: .origin)
        return (id, outcome)
    }

    private func table(_ change: (inout TableRules) -> Void) -> RoutingTable<EndpointV4> {
        var configuration = Configuration()
        configuration.table.lowBucketSizes = []
        configuration.table.replacementsPerBucket = 0
        configuration.table.prefersSecureIDs = false
        change(&configuration.table)
        return RoutingTable(ownID: .zero, configuration: configuration)
    }

    @Test func theFirstBucketsHoldMore() {
        var large = table { $0.lowBucketSizes = [20] }
        var flat = table { $0.lowBucketSizes = [] }
        for number in 0..<30 {
            _ = add(slot: UInt64(number % 8), number: UInt32(number), to: &large)
            _ = add(slot: UInt64(number % 8), number: UInt32(number), to: &flat)
        }
        #expect(large.contacts.count == 20)
        #expect(flat.contacts.count == 8)
    }

    @Test(arguments: [true, false])
    func aFasterContactTakesThePlaceOfTheSlowest(ranks: Bool) {
        var table = table {
            $0.ranksByRoundTrip = ranks
            $0.spreadsPrefixes = false
        }
        for number in 0..<8 { _ = add(slot: 0, number: UInt32(number), milliseconds: 100, to: &table) }
        let (_, same) = add(slot: 0, number: 8, milliseconds: 90, to: &table)
        #expect(same == .refused, "a little faster is noise")
        let (id, outcome) = add(slot: 0, number: 9, milliseconds: 40, to: &table)
        #expect(outcome == (ranks ? .added : .refused))
        #expect(table.contacts.contains { $0.id == id } == ranks)
        #expect(table.contacts.count == 8)
        #expect(table.counters.displaced == (ranks ? 1 : 0))
    }

    @Test(arguments: [true, false])
    func aContactWithNewBitsTakesAPlaceFromTheCrowd(spreads: Bool) {
        var table = table { $0.spreadsPrefixes = spreads }
        for number in 0..<7 { _ = add(slot: 1, number: UInt32(number), to: &table) }
        let (lonely, _) = add(slot: 2, number: 7, to: &table)
        let (id, outcome) = add(slot: 5, number: 8, milliseconds: 300, to: &table)
        #expect(outcome == (spreads ? .added : .refused))
        #expect(table.contacts.contains { $0.id == id } == spreads)
        #expect(table.contacts.contains { $0.id == lonely })
    }

    @Test(arguments: [true, false])
    func anIDThatItsAddressAllowsTakesThePlaceOfOneItDoesNot(prefers: Bool) {
        var table = table {
            $0.prefersSecureIDs = prefers
            $0.spreadsPrefixes = false
            $0.ranksByRoundTrip = false
        }
        for number in 0..<8 { _ = add(slot: 0, number: UInt32(number), to: &table) }
        let (_, outcome) = add(slot: 0, number: 100, milliseconds: 900, secure: true, to: &table)
        #expect(outcome == (prefers ? .added : .refused))
        #expect(table.contacts.filter { $0.isSecure }.count == (prefers ? 1 : 0))
    }

    @Test func anInsecureIDNeverDisplacesASecureOne() {
        var table = table { $0.prefersSecureIDs = true }
        var secure = 0
        var number: UInt32 = 0
        while secure < 8 {
            let (_, outcome) = add(slot: 0, number: number, milliseconds: 900, secure: true, to: &table)
            secure += outcome == .added ? 1 : 0
            number += 1
        }
        for extra in 0..<20 {
            _ = add(slot: UInt64(extra % 8), number: 5000 + UInt32(extra), milliseconds: 1, to: &table)
        }
        #expect(table.contacts.allSatisfy { $0.isSecure })
    }

    @Test func oneNetworkHasFewPlaces() {
        var table = table { $0.lowBucketSizes = [128] }
        for number in 0..<10 {
            let address = EndpointV4(address: 0x2C00_0101 + UInt32(number), port: 6881)
            let id = NodeID(high: 1 << 63 | UInt64(number) << 50, middle: 0, low: 1)
            _ = table.answered(id: id, address: address, roundTrip: .zero, now: .origin)
        }
        // The only bucket is the last one, which will be divided: the cap of the whole table holds.
        #expect(table.contacts.count == 4)
        #expect(table.counters.prefixRefusals == 6)
    }

    @Test func aDividedBucketKeepsOneOfANetwork() {
        var table = table { $0.lowBucketSizes = [] }
        for number in 0..<2 {
            let address = EndpointV4(address: 0x2C00_0101 + UInt32(number), port: 6881)
            let id = NodeID(high: 1 << 63 | UInt64(number) << 50, middle: 0, low: 1)
            #expect(table.answered(id: id, address: address, roundTrip: .zero, now: .origin) == .added)
        }
        for number in 0..<8 {
            let address = EndpointV4(address: 0x2D00_0001 + UInt32(number) << 8, port: 6881)
            let id = NodeID(high: UInt64(number) << 50, middle: 0, low: 1)
            _ = table.answered(id: id, address: address, roundTrip: .zero, now: .origin)
        }
        #expect(table.bucketCount > 1)
        #expect(table.contacts.filter { $0.address.address >> 8 == 0x2C0001 }.count == 1)
    }
}
