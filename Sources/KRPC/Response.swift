package import Primitives

/// An answer to one of our queries; what is in it depends on the query and on the responder's mood.
package struct Response: Hashable, Sendable {
    /// The answering node.
    package let id: NodeID
    /// IPv4 contacts; empty when absent or of an impossible length.
    package let nodes: CompactNodes
    /// IPv6 contacts (BEP 32).
    package let nodes6: CompactNodes
    /// To be handed back when announcing to this node.
    package let token: Range<Int>?
    /// Peers of the torrent.
    package let values: PeerValues
}
