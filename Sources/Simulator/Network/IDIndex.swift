import KRPC
import Primitives

/// Which node has which id: the truth that a lookup's result is measured by.
///
/// Ids are kept in bins by their first bits. Bins in the order of their XOR with the target's bin hold ids in the
/// order of their distance, so few bins have to be looked at.
struct IDIndex: Sendable {
    private struct Entry: Sendable {
        let id: NodeID
        let host: UInt32
    }

    private static let bits = 16

    private var bins: [[Entry]] = Array(repeating: [], count: 1 << IDIndex.bits)

    static func bin(of id: ID160) -> UInt16 { UInt16(id.high >> (64 - UInt64(bits))) }

    /// - Returns: the bin that it is in now.
    mutating func insert(_ id: NodeID, of host: HostIndex) -> UInt16 {
        let bin = Self.bin(of: id)
        bins[Int(bin)].append(Entry(id: id, host: UInt32(host)))
        return bin
    }

    mutating func remove(_ host: HostIndex, from bin: UInt16) {
        guard let index = bins[Int(bin)].firstIndex(where: { $0.host == UInt32(host) }) else { return }
        bins[Int(bin)].remove(at: index)
    }

    /// The nearest id whose host is wanted.
    func nearest(to target: ID160, where isWanted: (HostIndex) -> Bool) -> (id: NodeID, host: HostIndex)? {
        let home = Int(Self.bin(of: target))
        for offset in bins.indices {
            var best: Entry?
            for entry in bins[home ^ offset] where isWanted(Int(entry.host)) {
                if best.map({ entry.id.distance(to: target) < $0.id.distance(to: target) }) ?? true { best = entry }
            }
            if let best { return (best.id, Int(best.host)) }
        }
        return nil
    }
}
