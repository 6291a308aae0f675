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
    /// An item, or its sequence number (BEP 44).
    package let item: ItemFields?
    /// BEP 51.
    package let samples: SampleFields?
    /// BEP 33.
    package let filters: FilterFields?
}
