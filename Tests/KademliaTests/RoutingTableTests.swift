import KRPC
import Kademlia
import Primitives
import Testing

@Suite struct RoutingTableTests {
    @Test func contactsArePackedAsPlanned() {
        #expect(MemoryLayout<TableContact<EndpointV4>>.stride == 32)
        #expect(MemoryLayout<TableContact<EndpointV6>>.stride == 48)
    }

    /// Random histories: after each step the table must be a table, and agree with a brute-force search.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func randomHistoriesKeepEveryInvariant(seed: UInt64) {
        var generator = SeededGenerator(number: seed)
        var configuration = Configuration()
        configuration.networkMode = seed.isMultiple(of: 2) ? .public : .private
        configuration.bucketSize = [1, 3, 8, 20][Int(seed % 4)]
        configuration.table.replacementsPerBucket = [0, 2, 8][Int(seed % 3)]
        configuration.table.lowBucketSizes = [[], [128, 64, 32, 16], [40, 5]][Int(seed % 3)]
        let ownID = NodeID.random(using: &generator)
        var table = RoutingTable<EndpointV4>(ownID: ownID, configuration: configuration)
        var now = Instant.origin
        for step in 0..<1500 {
            now = now + .seconds(1)
            perform(&table, ownID: ownID, now: now, using: &generator)
            if step.isMultiple(of: 50) {
                check(table, configuration)
                checkClosest(table, using: &generator)
            }
        }
        #expect(table.contacts.count > configuration.bucketSize)
    }

    private func perform(
        _ table: inout RoutingTable<EndpointV4>, ownID: NodeID, now: Instant, using generator: inout SeededGenerator
    ) {
        let known = table.contacts.randomElement(using: &generator)
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: if let known { table.failed(id: known.id, address: known.address) }
        case 1: if let known { table.disowned(id: known.id, address: known.address) }
        case 2:
            // Somebody at a known address under another id.
            guard let known else { return }
            _ = table.answered(
                id: .random(using: &generator), address: known.address, roundTrip: .milliseconds(50), now: now)
        case 3:
            // A known id from another address.
            guard let known else { return }
            _ = table.answered(
                id: known.id, address: address(using: &generator), roundTrip: .milliseconds(50), now: now)
        default:
            // Near our own id half of the time, so that deep buckets exist.
            var id = NodeID.random(using: &generator)
            if Bool.random(using: &generator) {
                let shared = Int.random(in: 0..<40, using: &generator)
                for bit in 0..<shared { id[bit: bit] = ownID[bit: bit] }
            }
            _ = table.answered(
                id: id, address: address(using: &generator), roundTrip: .milliseconds(80), now: now)
        }
    }

    private func address(using generator: inout SeededGenerator) -> EndpointV4 {
        EndpointV4(
            address: 0x2C00_0000 | UInt32.random(in: 1..<600, using: &generator) << 7,
            port: .random(in: 1..<4, using: &generator))
    }

    private func check(_ table: RoutingTable<EndpointV4>, _ configuration: Configuration) {
        let contacts = table.contacts
        #expect(Set(contacts.map(\.id)).count == contacts.count)
        #expect(Set(contacts.map(\.address)).count == contacts.count)
        if configuration.networkMode == .public {
            #expect(Set(contacts.map(\.address.address)).count == contacts.count)
        }
        #expect(!contacts.contains { $0.id == table.ownID })
        // Buckets in order: the prefix length never falls, save within the last bucket.
        var counts = Array(repeating: 0, count: table.bucketCount)
        var lastBucket = 0
        for contact in contacts {
            let bucket = min(table.ownID.commonPrefixLength(with: contact.id), table.bucketCount - 1)
            #expect(bucket >= lastBucket)
            lastBucket = bucket
            counts[bucket] += 1
        }
        for (bucket, count) in counts.enumerated() {
            let low = bucket < configuration.table.lowBucketSizes.count ? configuration.table.lowBucketSizes[bucket] : 0
            #expect(count <= max(low, configuration.bucketSize))
        }
        if configuration.networkMode == .public { checkPrefixCaps(table, configuration.table) }
        for bucket in counts.indices {
            let spares = table.replacements.filter {
                min(table.ownID.commonPrefixLength(with: $0.id), table.bucketCount - 1) == bucket
            }
            #expect(spares.count <= configuration.table.replacementsPerBucket)
        }
        #expect(contacts.capacity <= contacts.count + 2 * configuration.bucketSize + 64)
    }

    private func checkPrefixCaps(_ table: RoutingTable<EndpointV4>, _ rules: TableRules) {
        var inTable: [UInt32: Int] = [:]
        var inBucket: [UInt32: Int] = [:]
        for contact in table.contacts {
            let prefix = contact.address.address >> 8
            inTable[prefix, default: 0] += 1
            let bucket = table.ownID.commonPrefixLength(with: contact.id)
            if bucket < table.bucketCount - 1 { inBucket[prefix << 8 | UInt32(bucket), default: 0] += 1 }
        }
        #expect(inTable.values.allSatisfy { $0 <= rules.contactsPerPrefix })
        #expect(inBucket.values.allSatisfy { $0 <= rules.contactsPerPrefixInBucket })
    }

    private func checkClosest(_ table: RoutingTable<EndpointV4>, using generator: inout SeededGenerator) {
        for includingBad in [false, true] {
            var target = ID160.random(using: &generator)
            for bit in 0..<Int.random(in: 0..<20, using: &generator) { target[bit: bit] = table.ownID[bit: bit] }
            var found: [Contact] = []
            table.appendClosest(to: target, count: 8, includingBad: includingBad, into: &found)
            let expected = table.contacts.filter { includingBad || !$0.isBad }
                .sorted { $0.id.distance(to: target) < $1.id.distance(to: target) }.prefix(8)
            #expect(found == expected.map(\.contact))
        }
    }

    @Test func onlyOurOwnBucketSplits() {
        let (table, _) = tableWithFarContacts(count: 30)
        // The first bit differs: all of these belong to one bucket, which cannot grow.
        #expect(table.contacts.count == 8)
        #expect(table.replacements.count == 8)
    }

    @Test func aSpareReplacesABadContact() throws {
        var (table, _) = tableWithFarContacts(count: 9)
        let victim = table.contacts[0]
        let spare = try #require(table.replacements.first)
        table.failed(id: victim.id, address: victim.address)
        #expect(table.contacts.contains { $0.id == victim.id }, "one failure may be loss")
        table.failed(id: victim.id, address: victim.address)
        #expect(!table.contacts.contains { $0.id == victim.id })
        #expect(table.contacts.contains { $0.id == spare.id })
        #expect(table.replacements.isEmpty)
    }

    @Test func withoutASpareAContactHasThreeChances() {
        var (table, _) = tableWithFarContacts(count: 8)
        let victim = table.contacts[0]
        for expected in [8, 8, 7] {
            table.failed(id: victim.id, address: victim.address)
            #expect(table.contacts.count == expected)
        }
    }

    @Test func anAnswerForgivesFailures() {
        var (table, now) = tableWithFarContacts(count: 8)
        let contact = table.contacts[0]
        table.failed(id: contact.id, address: contact.address)
        table.failed(id: contact.id, address: contact.address)
        let outcome = table.answered(id: contact.id, address: contact.address, roundTrip: .milliseconds(10), now: now)
        #expect(outcome == .refreshed)
        #expect(table.contacts[0].failures == 0)
    }

    @Test func aBadContactIsHandedOutToNobody() {
        var (table, _) = tableWithFarContacts(count: 8)
        let contact = table.contacts[3]
        for _ in 0..<2 { table.failed(id: contact.id, address: contact.address) }
        var found: [Contact] = []
        table.appendClosest(to: contact.id, count: 8, into: &found)
        #expect(found.count == 7 && !found.contains { $0.id == contact.id })
    }

    @Test func ourOwnIDNeverEnters() {
        var table = RoutingTable<EndpointV4>(ownID: .zero, configuration: Configuration())
        let address = EndpointV4(address: 1, port: 1)
        #expect(table.answered(id: .zero, address: address, roundTrip: .zero, now: .origin) == .refused)
    }

    @Test func aKnownIDElsewhereIsBelievedOnlyIfTheFirstIsBad() {
        var (table, now) = tableWithFarContacts(count: 3)
        let contact = table.contacts[0]
        let elsewhere = EndpointV4(address: 0x2C01_0101, port: 9)
        #expect(table.answered(id: contact.id, address: elsewhere, roundTrip: .zero, now: now) == .refused)
        for _ in 0..<2 { table.failed(id: contact.id, address: contact.address) }
        #expect(table.answered(id: contact.id, address: elsewhere, roundTrip: .zero, now: now) == .added)
        #expect(table.contacts.count == 3)
    }

    @Test func anEndpointThatChangesItsIDKeepsOneEntry() {
        var (table, now) = tableWithFarContacts(count: 3)
        let contact = table.contacts[0]
        let newID = NodeID(high: ~0, middle: 7, low: 7)
        #expect(table.answered(id: newID, address: contact.address, roundTrip: .zero, now: now) == .added)
        #expect(table.contacts.count == 3)
        #expect(!table.contacts.contains { $0.id == contact.id })
    }

    @Test(arguments: [NetworkMode.public, .private])
    func oneContactPerHostInPublicMode(mode: NetworkMode) {
        var configuration = Configuration()
        configuration.networkMode = mode
        var table = RoutingTable<EndpointV4>(ownID: .zero, configuration: configuration)
        for port in 1...5 {
            let id = NodeID(high: 1 << 63, middle: 0, low: UInt32(port))
            _ = table.answered(
                id: id, address: EndpointV4(address: 7, port: UInt16(port)), roundTrip: .zero, now: .origin)
        }
        #expect(table.contacts.count == (mode == .public ? 1 : 5))
    }

    @Test func renamingSortsAllContactsAnew() {
        var generator = SeededGenerator(number: 9)
        var (table, _) = tableWithFarContacts(count: 16)
        table.rename(to: NodeID(high: ~0, middle: 0, low: 0))
        checkClosest(table, using: &generator)
        // Now they share our first bit, and the bucket may split: the spares find room.
        #expect(table.contacts.count > 8)
    }

    @Test func upkeepTakesTheStalestFirstAndTheFailingBeforeIt() throws {
        var generator = SeededGenerator(number: 4)
        var (table, now) = tableWithFarContacts(count: 4)
        let order = table.contacts.map(\.id)
        now = now + .seconds(100)
        for expected in order {
            let check = try #require(table.nextCheck(now: now, pauseAfterFailure: .seconds(17), using: &generator))
            #expect(check.contact.id == expected)
            now = now + .seconds(5)
        }
        let failing = table.contacts[2]
        table.failed(id: failing.id, address: failing.address)
        now = now + .seconds(100)
        let check = try #require(table.nextCheck(now: now, pauseAfterFailure: .seconds(17), using: &generator))
        #expect(check.contact.id == failing.id)
        // Not again before its pause is over.
        let next = try #require(table.nextCheck(now: now, pauseAfterFailure: .seconds(17), using: &generator))
        #expect(next.contact.id != failing.id)
    }

    @Test func refreshTargetsLieInTheBucketOfTheContact() throws {
        var generator = SeededGenerator(number: 5)
        var table = RoutingTable<EndpointV4>(ownID: .random(using: &generator), configuration: Configuration())
        for index in 0..<400 {
            let address = EndpointV4(address: UInt32(index), port: 1)
            _ = table.answered(id: .random(using: &generator), address: address, roundTrip: .zero, now: .origin)
        }
        for second in 1...100 {
            let now = Instant.origin + .seconds(second)
            let check = try #require(table.nextCheck(now: now, pauseAfterFailure: .zero, using: &generator))
            let last = table.bucketCount - 1
            let wanted = min(table.ownID.commonPrefixLength(with: check.contact.id), last)
            #expect(min(table.ownID.commonPrefixLength(with: check.target), last) == wanted)
        }
    }

    /// Contacts whose first bit is set, in a table whose own id is zero.
    private func tableWithFarContacts(count: Int) -> (RoutingTable<EndpointV4>, Instant) {
        var generator = SeededGenerator(number: 3)
        var configuration = Configuration()
        configuration.table.lowBucketSizes = []
        configuration.table.spreadsPrefixes = false
        var table = RoutingTable<EndpointV4>(ownID: .zero, configuration: configuration)
        var now = Instant.origin
        for index in 0..<count {
            now = now + .seconds(1)
            var id = NodeID.random(using: &generator)
            id.high |= 1 << 63
            let address = EndpointV4(address: 0x2C00_0001 + UInt32(index) << 8, port: 6881)
            _ = table.answered(id: id, address: address, roundTrip: .milliseconds(40), now: now)
        }
        return (table, now)
    }
}
