import Kademlia
import Primitives
import Testing

@Suite struct SecureIDTests {
    /// The vectors of BEP 42, and one for IPv6 that libtorrent and mldht share.
    @Test(arguments: [
        ("124.31.75.21", 1, "5fbfbff10c5d6a4ec8a88e4c6ab4c28b95eee401"),
        ("21.75.31.124", 86, "5a3ce9c14e7a08645677bbd1cfe7d8f956d53256"),
        ("65.23.51.170", 22, "a5d43220bc8f112a3d426c84764f8c2a1150e616"),
        ("84.124.73.14", 65, "1b0321dd1bb1fe518101ceef99462b947a01ff41"),
        ("43.213.53.83", 90, "e56f6cbf5b7c4be0237986d5243b87aa6d51305a"),
        ("2001:b829:2123:be84:e16c:d6ae:5290:49f1", 4, "0a8ad123be84e16cd6ae529049f1f1bbe9ebb304"),
    ])
    func vectors(host: String, random: UInt8, hex: String) throws {
        let endpoint = try #require(Endpoint(host: host, port: 6881))
        let id = try #require(NodeID(hex: hex))
        #expect(UInt8(truncatingIfNeeded: id.low) == random)
        #expect(SecureID.isValid(id, for: endpoint))
        // Whatever stood in the first 21 bits, the address decides them.
        var scrambled = id
        scrambled.high ^= ~0 << 43
        #expect(SecureID.make(for: endpoint, random: scrambled) == id)
        #expect(!SecureID.isValid(scrambled, for: endpoint))
    }

    @Test func anyBitOfThePrefixMatters() throws {
        let endpoint = Endpoint.v4(124, 31, 75, 21, port: 1)
        let id = try #require(NodeID(hex: "5fbfbff10c5d6a4ec8a88e4c6ab4c28b95eee401"))
        for bit in 0..<ID160.bitCount {
            var other = id
            other[bit: bit] = !other[bit: bit]
            // The last three bits choose the prefix, so they matter as well.
            #expect(SecureID.isValid(other, for: endpoint) == (21..<157).contains(bit))
        }
    }

    @Test func madeIDsAreValidAndDiffer() {
        var generator = SeededGenerator(number: 1)
        var ids: Set<NodeID> = []
        for number in 0..<200 {
            let endpoint =
                number.isMultiple(of: 2)
                ? Endpoint.v4(EndpointV4(address: 0x2C00_0000 + UInt32(number), port: 1))
                : .v6(EndpointV6(high: 0x2A00_1234 << 32 + UInt64(number), low: 1, port: 1))
            let id = SecureID.make(for: endpoint, using: &generator)
            #expect(SecureID.isValid(id, for: endpoint))
            ids.insert(id)
        }
        #expect(ids.count == 200)
    }

    @Test(arguments: ["10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "127.0.0.1", "::1", "fd00::1"])
    func localAddressesAreExempt(host: String) throws {
        let endpoint = try #require(Endpoint(host: host, port: 1))
        #expect(SecureID.isValid(.zero, for: endpoint))
    }
}
