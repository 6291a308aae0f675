import Digest
import KRPC
package import Primitives
import RealModule

/// The Bloom filter of BEP 33: a set of addresses in 256 bytes, which says about how many there are, and can be joined
/// with those of other nodes.
package struct ScrapeFilter: Hashable, Sendable {
    private static let bitCount = KRPCLimits.filterByteCount * 8
    private static let bitsPerAddress = 2.0

    package private(set) var bytes: [UInt8]

    package init() {
        bytes = [UInt8](repeating: 0, count: KRPCLimits.filterByteCount)
    }

    /// Nil unless there are 256 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == KRPCLimits.filterByteCount else { return nil }
        self.bytes = bytes
    }

    /// Adds the address of an endpoint; its port makes no difference.
    package mutating func insert(_ endpoint: Endpoint) {
        var address: [UInt8] = []
        switch endpoint {
        case .v4(let endpoint): address.appendBigEndian(endpoint.address)
        case .v6(let endpoint):
            address.appendBigEndian(endpoint.high)
            address.appendBigEndian(endpoint.low)
        }
        let hash = SHA1.hash(address).high
        let byte = { (index: UInt64) in Int(truncatingIfNeeded: hash >> (56 - index * 8) & 0xFF) }
        set(byte(0) | byte(1) << 8)
        set(byte(2) | byte(3) << 8)
    }

    /// The bits that at least `votes` of the filters have.
    package init(bitsOf filters: [ScrapeFilter], votes: Int) {
        self.init()
        for index in bytes.indices {
            for bit in 0..<8 as Range<UInt8> {
                let count = filters.count { $0.bytes[index] >> bit & 1 == 1 }
                if count >= max(1, votes) { bytes[index] |= 1 << bit }
            }
        }
    }

    package mutating func formUnion(_ other: ScrapeFilter) {
        for index in bytes.indices { bytes[index] |= other.bytes[index] }
    }

    /// About how many addresses are in it; a full one says some 7,800, whatever the truth.
    package var estimate: Double {
        let zeros = Self.bitCount - bytes.reduce(0) { $0 + $1.nonzeroBitCount }
        let bits = Double(Self.bitCount)
        let share = Double(min(max(zeros, 1), Self.bitCount - 1)) / bits
        guard zeros < Self.bitCount else { return 0 }
        return Double.log(share) / (Self.bitsPerAddress * Double.log(1 - 1 / bits))
    }

    private mutating func set(_ position: Int) {
        let bit = position % Self.bitCount
        bytes[bit / 8] |= 1 << (bit % 8)
    }
}
