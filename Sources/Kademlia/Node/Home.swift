package import Primitives

/// What is given for each local address at birth.
package struct HomeSetup: Sendable {
    /// The address the home's socket is bound to; its family is the home's family.
    package var local: Endpoint
    /// A saved id, or nil for a random one.
    package var id: NodeID?

    package init(local: Endpoint, id: NodeID? = nil) {
        self.local = local
        self.id = id
    }
}

/// One local address of the node: a family, an id, and in time a table and an outside view of that address.
package struct Home: Sendable {
    package let local: Endpoint
    package internal(set) var id: NodeID

    package var family: Endpoint.Family { local.family }
}
