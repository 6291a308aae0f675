import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// The node as a store of items (BEP 44).
@Suite struct ItemServerTests {
    private var generator = SeededGenerator(number: 78)
    private var bench = Workbench()
    private let seed = [UInt8](repeating: 3, count: 32)
    private let immutable = Item(value: Array("12:Hello World!".utf8))

    private func item(_ sequence: Int64, _ value: String = "1:a", salt: [UInt8] = []) -> Item {
        .signed(value: Array(value.utf8), salt: salt, sequence: sequence, seed: seed)
    }

    private mutating func exchange(_ bytes: [UInt8], _ stranger: Stranger) throws -> Workbench.Sent {
        bench.receive(bytes, from: stranger.endpoint)
        let reply = try #require(bench.takeSent().first { $0.to == stranger.endpoint && $0.query == nil })
        #expect(reply.bytes.count <= (reply.item == nil ? 1024 : 1280))
        return reply
    }

    private mutating func put(
        _ item: Item, expecting sequence: Int64? = nil, by stranger: Stranger
    ) throws -> Int? {
        let token = try exchange(stranger.get(item.target), stranger).token
        #expect(token.count == 8)
        return try exchange(stranger.put(item, expectedSequence: sequence, token: token), stranger).errorCode
    }

    private mutating func stranger(_ number: Int) -> Stranger { Stranger(number, using: &generator) }

    @Test mutating func anImmutableItemIsStoredAndGiven() throws {
        let (giver, asker) = (stranger(1), stranger(2))
        #expect(try put(immutable, by: giver) == nil)
        let reply = try exchange(asker.get(immutable.target), asker)
        #expect(reply.item == immutable)
        #expect(reply.response?.nodes.isEmpty == true && reply.token.count == 8)
        #expect(bench.node.statistics.items == 1)
        #expect(bench.node.statistics.queriesReceived.put == 1)
    }

    @Test mutating func aTokenOfAnotherTargetOrAskerIsRefused() throws {
        let (giver, thief) = (stranger(1), stranger(2))
        let token = try exchange(giver.get(immutable.target), giver).token
        #expect(try exchange(thief.put(immutable, token: token), thief).errorCode == 203)
        #expect(try exchange(giver.put(item(1), token: token), giver).errorCode == 203)
        #expect(bench.node.statistics.refused.badToken == 2 && bench.node.statistics.items == 0)
    }

    @Test mutating func versionsOnlyGoUp() throws {
        let giver = stranger(1)
        #expect(try put(item(5), by: giver) == nil)
        #expect(try put(item(4), by: giver) == 302)
        #expect(try put(item(5, "1:b"), by: giver) == 302)
        #expect(try put(item(5), by: giver) == nil, "the same again renews it")
        #expect(try put(item(6, "1:b"), expecting: 4, by: giver) == 301)
        #expect(try put(item(6, "1:b"), expecting: 5, by: giver) == nil)
        #expect(bench.node.storedItem(of: item(6).target, now: bench.now) == item(6, "1:b"))
        #expect(bench.node.statistics.refused.badItems == 3)
    }

    @Test mutating func onlyNewerVersionsAreSentToWhoHasOne() throws {
        let (giver, asker) = (stranger(1), stranger(2))
        #expect(try put(item(5), by: giver) == nil)
        let same = try exchange(asker.get(item(5).target, newerThan: 5), asker)
        #expect(same.item == nil && same.response?.item?.sequence == 5)
        #expect(try exchange(asker.get(item(5).target, newerThan: 4), asker).item?.value == item(5).value)
    }

    @Test mutating func saltsMakeItemsOfTheirOwn() throws {
        let giver = stranger(1)
        #expect(try put(item(1, salt: [1]), by: giver) == nil)
        #expect(try put(item(1, salt: [2]), by: giver) == nil)
        #expect(bench.node.statistics.items == 2)
    }

    @Test mutating func aForgedSignatureIsRefused() throws {
        let giver = stranger(1)
        var forged = item(1)
        forged.value = Array("1:b".utf8)
        #expect(try put(forged, by: giver) == 206)
        #expect(bench.node.statistics.items == 0 && bench.node.statistics.refused.badItems == 1)
    }

    @Test mutating func itemsExpireUnlessTheyArePutAgain() throws {
        let giver = stranger(1)
        #expect(try put(immutable, by: giver) == nil)
        bench.advance(by: .seconds(7000))
        _ = bench.takeSent()
        #expect(try put(immutable, by: giver) == nil)
        bench.advance(by: .seconds(7000))
        #expect(bench.node.storedItem(of: immutable.target, now: bench.now) == immutable)
        bench.advance(by: .seconds(300))
        #expect(bench.node.storedItem(of: immutable.target, now: bench.now) == nil)
        bench.advance(by: .seconds(3600))
        #expect(bench.node.statistics.items == 0, "swept")
    }

    @Test mutating func aReplyWithTheLongestItemKeepsWithinItsLimit() throws {
        let giver = stranger(1)
        let value = "996:\(String(repeating: "v", count: 996))"
        let item = Item.signed(
            value: Array(value.utf8), salt: [UInt8](repeating: 1, count: 64), sequence: .min, seed: seed)
        #expect(try put(item, by: giver) == nil)
        let reply = try exchange(giver.get(item.target, want: [.n4, .n6]), giver)
        #expect(reply.item?.value.count == 1000 && reply.bytes.count > 1024 && reply.bytes.count <= 1280)
    }

    private func put(_ number: Int, _ address: UInt32, _ store: inout ItemStore) -> ID160 {
        let item = Item(value: Array("i\(number)e".utf8))
        let source = Endpoint.v4(EndpointV4(address: address, port: 6881))
        let isStored = store.put(item, at: item.target, from: source, now: .origin)
        #expect(isStored)
        return item.target
    }

    /// A flood from one network displaces itself, not the items of others.
    @Test func aFloodDisplacesItself() {
        var configuration = Configuration()
        configuration.limits.itemCount = 100
        var store = ItemStore(configuration: configuration, key: (1, 2))
        let honest = (0..<40).map { put($0, 0x2D00_0001 + UInt32($0) << 8, &store) }
        for number in 0..<5000 { _ = put(1000 + number, 0x3700_0000 + UInt32(number % 256), &store) }
        #expect(store.count == 100)
        #expect(honest.allSatisfy { store.item(of: $0, now: .origin) != nil })
        #expect(store.evictedCount == 4940)
    }

    /// An attacker stores the item of another first, so that it is charged to the attacker's network; then floods.
    @Test func anItemThatOthersStoreToIsNotChargedToTheFlood() {
        var configuration = Configuration()
        configuration.limits.itemCount = 100
        var store = ItemStore(configuration: configuration, key: (1, 2))
        let target = put(1, 0x3700_0001, &store)
        for number in 0..<20 { _ = put(1000 + number, 0x3700_0002, &store) }
        #expect(put(1, 0x2D00_0001, &store) == target)
        for number in 0..<5000 { _ = put(2000 + number, 0x3700_0000 + UInt32(number % 256), &store) }
        #expect(store.item(of: target, now: .origin) != nil)
    }
}
