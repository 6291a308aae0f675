package import Primitives

/// Where two peers stand in each other's order (BEP 40): both compute the same number, and the larger one comes first.
///
/// Nobody chooses it freely, so whoever floods a swarm gets the places of few others only.
package struct PeerPriority: Hashable, Comparable, Sendable {
    package let rawValue: UInt32

    /// Nil for endpoints of different families.
    package init?(_ first: Endpoint, _ second: Endpoint) {
        guard first.family == second.family else { return nil }
        var halves = [first, second].map { Array($0.compactBytes.dropLast(2)) }
        if halves[0] == halves[1] {
            halves = [first, second].map { Array($0.compactBytes.suffix(2)) }
        } else {
            let isWhole = Self.wholeByteCount(halves[0], halves[1])
            halves = halves.map { address in
                address.enumerated().map { $0.offset < isWhole ? $0.element : $0.element & 0x55 }
            }
        }
        if halves[1].lexicographicallyPrecedes(halves[0]) { halves.swapAt(0, 1) }
        rawValue = CRC32C.checksum(halves[0] + halves[1])
    }

    package static func < (left: PeerPriority, right: PeerPriority) -> Bool { left.rawValue < right.rawValue }

    /// How much of the addresses counts in full: the network at least, else one byte more than they have in common.
    private static func wholeByteCount(_ first: [UInt8], _ second: [UInt8]) -> Int {
        let common = zip(first, second).prefix { $0 == $1 }.count
        return max(first.count == 4 ? 2 : 6, common + 1)
    }
}

extension Endpoint {
    fileprivate var compactBytes: [UInt8] {
        var bytes: [UInt8] = []
        appendCompact(to: &bytes)
        return bytes
    }
}
