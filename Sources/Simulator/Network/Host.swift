import Primitives

/// A host's number: hosts are numbered in the order in which they came, and numbers are not used again.
package typealias HostIndex = Int

/// One address of the virtual internet, 16 bytes.
struct Host: Sendable {
    enum Kind: UInt8, Sendable {
        case node, adversary, client
        /// Nobody any more: its contacts stay in the tables of others.
        case gone
    }

    let address: UInt32
    /// Where in the arrays of its kind the occupant is.
    var slot: UInt32
    /// Of `IDIndex`, of a node.
    var idBin: UInt16 = 0
    var kind: Kind
    var nat: NAT
    var profile: ClientProfile
    /// No packet gets in or out for the while.
    var isCutOff = false
    /// Its packets are kept for the scenario to look at.
    var isWatched = false
}
