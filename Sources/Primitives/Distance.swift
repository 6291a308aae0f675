/// The XOR of two ids, ordered as a number: how far apart they are in Kademlia's metric.
///
/// A type of its own, so that a distance is never compared with an id by mistake.
package struct Distance: Hashable, Comparable, Sendable {
    private let value: ID160

    init(_ value: ID160) {
        self.value = value
    }

    package static let zero = Distance(.zero)

    /// 160 minus the common prefix length: 0 for equal ids, 160 when the first bit differs.
    package var bitWidth: Int { ID160.bitCount - value.leadingZeroBitCount }

    package static func < (left: Distance, right: Distance) -> Bool { left.value < right.value }
}
