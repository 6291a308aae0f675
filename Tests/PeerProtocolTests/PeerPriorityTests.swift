import PeerProtocol
import Primitives
import Testing

/// The canonical order of peers (BEP 40).
@Suite struct PeerPriorityTests {
    private func priority(_ first: String, _ second: String) throws -> PeerPriority? {
        PeerPriority(try #require(Endpoint(first)), try #require(Endpoint(second)))
    }

    /// The two examples of the BEP, from either side.
    @Test(arguments: [
        ("123.213.32.10:1", "98.76.54.32:2", 0xEC2D_7224 as UInt32),
        ("123.213.32.10:1", "123.213.32.234:2", 0x9956_8189),
    ])
    func isAsTheBEPSays(first: String, second: String, value: UInt32) throws {
        #expect(try priority(first, second)?.rawValue == value)
        #expect(try priority(second, first)?.rawValue == value)
    }

    /// In one /16 three bytes count in full: the CRC of 7bd52000 and 7bd52110, computed by `CRC32C` itself.
    @Test func theMaskFollowsWhatTheAddressesHaveInCommon() throws {
        let crc = { (bytes: [UInt8]) in CRC32C.checksum(bytes) }
        #expect(
            try priority("123.213.32.10:1", "123.213.33.50:2")?.rawValue
                == crc([123, 213, 32, 10 & 0x55, 123, 213, 33, 50 & 0x55]))
        // IPv6: a /48 in full, else one byte more than is common.
        let network: [UInt8] = [0x20, 0x01, 0x0D, 0xB8, 0, 1]
        let (tail, zeros) = ([UInt8](repeating: 0x55, count: 8), [UInt8](repeating: 0, count: 8))
        #expect(
            try priority("[2001:db8:1:ffff:ffff:ffff:ffff:ffff]:1", "[2001:db8:1:2fff:ffff:ffff:ffff:ffff]:1")?.rawValue
                == crc(network + [0x2F, 0x55] + tail + network + [0xFF, 0x55] + tail))
        #expect(
            try priority("[2001:db8:1:ff0f::]:1", "[2001:db8:1:ffff::]:1")?.rawValue
                == crc(network + [0xFF, 0x0F] + zeros + network + [0xFF, 0xFF] + zeros))
    }

    @Test func atOneAddressThePortsCount() throws {
        #expect(try priority("1.2.3.4:513", "1.2.3.4:258")?.rawValue == CRC32C.checksum([1, 2, 2, 1]))
        #expect(try priority("[::1]:1", "[::1]:2")?.rawValue == CRC32C.checksum([0, 1, 0, 2]))
    }

    @Test func familiesAreNotCompared() throws {
        #expect(try priority("1.2.3.4:1", "[::1]:1") == nil)
    }
}
