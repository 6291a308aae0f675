package import KRPC
package import Primitives

/// What a node wants to find again at its next start: who it was, and whom it knew.
package struct NodeState: Equatable, Sendable {
    /// One home of the node.
    package struct Home: Equatable, Sendable {
        /// Where the home's socket was bound to; at the next start the port may be another.
        package var local: Endpoint
        /// Nil for a home that shall take an id of its own.
        package var id: NodeID?
        /// Where others saw the home, if enough of them agreed; its port means nothing at the next start.
        package var external: Endpoint?
        /// Those who had answered, nearest to the id last.
        package var contacts: [Contact]

        package init(local: Endpoint, id: NodeID?, external: Endpoint? = nil, contacts: [Contact] = []) {
            self.local = local
            self.id = id
            self.external = external
            self.contacts = contacts
        }
    }

    package var homes: [Home]

    package init(homes: [Home] = []) {
        self.homes = homes
    }

    /// The same contacts for nodes of other ids: what a second process on the same machine starts with.
    package var withoutIDs: NodeState {
        NodeState(homes: homes.map { Home(local: $0.local, id: nil, external: $0.external, contacts: $0.contacts) })
    }

    /// Keeps what `earlier` knew where this state knows nobody: a node that was cut off has nothing better to offer.
    package func keepingContacts(of earlier: NodeState?) -> NodeState {
        guard let earlier else { return self }
        var kept = self
        for (index, match) in earlier.matches(for: homes.map(\.local)).enumerated() where homes[index].contacts.isEmpty
        {
            kept.homes[index].contacts = match?.contacts ?? []
        }
        return kept
    }

    /// The saved home for each local address, none of them twice: that of the same address, else one of its family.
    func matches(for locals: [Endpoint]) -> [Home?] {
        var left = homes
        var matches = [Home?](repeating: nil, count: locals.count)
        let isFit: [(Home, Endpoint) -> Bool] = [
            { $0.local == $1 }, { $0.local.host == $1.host }, { $0.local.family == $1.family },
        ]
        for isFit in isFit {
            for index in locals.indices where matches[index] == nil {
                guard let fit = left.firstIndex(where: { isFit($0, locals[index]) }) else { continue }
                matches[index] = left.remove(at: fit)
            }
        }
        return matches
    }
}

extension Node {
    /// What to give to the node that goes on at the next start.
    ///
    /// Contacts of the last state that were not asked yet are in it again, so a short run loses none.
    package var savedState: NodeState {
        NodeState(
            homes: homes.map { home in
                let contacts = home.contacts
                let waiting = home.restored.filter { !contacts.contains($0) }
                return NodeState.Home(
                    local: home.local, id: home.id, external: home.external, contacts: waiting + contacts)
            })
    }
}

extension Home {
    /// Takes over the contacts of a saved home, as candidates: they are asked before they are believed in.
    mutating func restore(_ saved: NodeState.Home, _ configuration: Configuration, now: Instant) -> Int {
        let usable = saved.contacts.filter {
            $0.endpoint.family == family && configuration.networkMode.accepts($0.endpoint)
        }
        restored = Array(usable.suffix(configuration.limits.restoredContactCount))
        if !restored.isEmpty { selfLookupAt = now }
        return saved.contacts.count - restored.count
    }

    /// Adds up to `count` restored contacts, the nearest ones to the target.
    func appendRestored(to target: ID160, count: Int, into result: inout [Contact]) {
        guard !restored.isEmpty else { return }
        result += restored.sorted { $0.id.distance(to: target) < $1.id.distance(to: target) }.prefix(count)
    }
}

extension NodeState.Home {
    /// The saved id, unless the address that the home had forbids it (BEP 42).
    func usableID(_ configuration: Configuration) -> NodeID? {
        guard configuration.networkMode == .public, let external, let id else { return id }
        return SecureID.isValid(id, for: external) ? id : nil
    }
}
