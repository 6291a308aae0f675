package import Primitives

/// Appends our messages to bytes that the caller owns; keys are in canonical order.
///
/// It holds what all messages of one node have in common. A query is marked by a random number of 32 bits, which the
/// answer carries back (`Message.queryNumber`): with 16, as many use, somebody who cannot see our packets would hit
/// it within a second of guessing.
package struct MessageEncoder: Hashable, Sendable {
    package var id: NodeID
    /// The four bytes of `v`: two letters for the program, two bytes for its version.
    package var version: UInt32
    /// Marks our queries with `ro` (BEP 43): we answer none.
    package var isReadOnly: Bool

    package init(id: NodeID, version: UInt32 = MessageEncoder.version, isReadOnly: Bool = false) {
        self.id = id
        self.version = version
        self.isReadOnly = isReadOnly
    }

    /// "MN", a pair of letters that BEP 20 gives to nobody, version 0.1.
    package static let version: UInt32 = 0x4D4E_0001
}
