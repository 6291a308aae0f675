import Kademlia
import Primitives

/// `TableRules`, as far as they are limits.
extension LimitCase {
    static let table: [LimitCase] = [
        LimitCase("lowBucketSizes") {
            $0.table.replacementsPerBucket = 0
        } tight: {
            $0.table.lowBucketSizes = [8]
        } refusals: {
            var table = RoutingTable<EndpointV4>(ownID: .zero, configuration: $0)
            return (0..<30).filter { answered($0, &table) == .refused }.count
        },
        LimitCase("replacementsPerBucket") {
            $0.table.lowBucketSizes = []
        } tight: {
            $0.table.replacementsPerBucket = 2
        } refusals: {
            var table = RoutingTable<EndpointV4>(ownID: .zero, configuration: $0)
            for number in 0..<16 { _ = answered(number, &table) }
            return 16 - table.contacts.count - table.replacements.count
        },
        LimitCase("contactsPerPrefixInBucket") {
            $0.networkMode = .public
            $0.table.contactsPerPrefixInBucket = 4
            $0.table.contactsPerPrefix = 100
            $0.table.lowBucketSizes = []
        } tight: {
            $0.table.contactsPerPrefixInBucket = 1
        } refusals: {
            var table = RoutingTable<EndpointV4>(ownID: .zero, configuration: $0)
            // The last bucket may hold more of a network, so it has to be divided first.
            for number in 100..<110 {
                let near = NodeID(high: UInt64(number) << 40, middle: 0, low: 1)
                _ = table.answered(id: near, address: address(number), roundTrip: .milliseconds(100), now: .origin)
            }
            for number in 0..<4 { _ = answered(number, &table, network: 7) }
            return table.counters.prefixRefusals
        },
        LimitCase("contactsPerPrefix") {
            $0.networkMode = .public
            $0.table.contactsPerPrefixInBucket = 100
        } tight: {
            $0.table.contactsPerPrefix = 2
        } refusals: {
            var table = RoutingTable<EndpointV4>(ownID: .zero, configuration: $0)
            for number in 0..<4 { _ = answered(number, &table, network: 7) }
            return table.counters.prefixRefusals
        },
        LimitCase("failuresTolerated") {
            $0.table.failuresTolerated = 1
        } refusals: {
            var table = RoutingTable<EndpointV4>(ownID: .zero, configuration: $0)
            for number in 0..<4 { _ = answered(number, &table) }
            for _ in 0..<2 { table.failed(id: id(1), address: address(1)) }
            return 4 - table.contacts.count
        },
    ]

    /// Policy and pace, not limits: what they do is tested in `TableRulesTests` and with the node.
    static let tablePolicies: Set<String> = [
        "admission", "ranksByRoundTrip", "spreadsPrefixes", "prefersSecureIDs", "upkeep", "fillingInterval",
        "fillingChecks", "verificationInterval",
    ]

    private static func answered(
        _ number: Int, _ table: inout RoutingTable<EndpointV4>, network: Int? = nil
    ) -> TableAdmission {
        let address = network.map { EndpointV4(address: UInt32(0x2C00_0000 + $0 << 8 + number), port: 6881) }
        return table.answered(
            id: id(number), address: address ?? Self.address(number), roundTrip: .milliseconds(100), now: .origin)
    }

    /// All in the first bucket of the id zero, with the same next bits.
    private static func id(_ number: Int) -> NodeID { NodeID(high: 1 << 63 | UInt64(number), middle: 0, low: 1) }

    private static func address(_ number: Int) -> EndpointV4 {
        EndpointV4(address: 0x2D00_0001 + UInt32(number) << 8, port: 6881)
    }
}
