package import KRPC
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

/// One local address of the node, with an id, a routing table and an outside view of its own (BEP 32, BEP 45).
package struct Home: Sendable {
    package private(set) var local: Endpoint
    /// Only the table of the home's family is ever filled; the other one takes no storage.
    package internal(set) var tableV4: RoutingTable<EndpointV4>
    package internal(set) var tableV6: RoutingTable<EndpointV6>
    private(set) var encoder: MessageEncoder
    var votes: AddressVotes
    /// When our own id is looked up next; nil while there is nothing to start from, or while it is running.
    var selfLookupAt: Instant?
    var isSelfLookupRunning = false
    /// Self lookups in a row that left us with less than a bootstrap should.
    var failedSelfLookups = 0
    var completeSelfLookups = 0
    /// Whether a bootstrap endpoint ever answered.
    var hasHeardSeed = false
    /// Contacts of an earlier run that have not been asked in this one, nearest to our id last.
    var restored: [Contact] = []

    init(_ setup: HomeSetup, id: NodeID, configuration: Configuration) {
        local = setup.local
        tableV4 = RoutingTable(ownID: id, configuration: configuration)
        tableV6 = RoutingTable(ownID: id, configuration: configuration)
        votes = AddressVotes(mode: configuration.networkMode)
        encoder = MessageEncoder(id: id, isReadOnly: configuration.isReadOnly)
    }

    package var id: NodeID { encoder.id }
    package var family: Endpoint.Family { local.family }
    package var contactCount: Int { tableV4.contacts.count + tableV6.contacts.count }
    /// Where others see us, if enough of them agree.
    package var external: Endpoint? { votes.winner }

    /// The verified contacts, for saving: all of them answered us.
    package var contacts: [Contact] { tableV4.contacts.map(\.contact) + tableV6.contacts.map(\.contact) }

    package var bucketCount: Int { max(tableV4.bucketCount, tableV6.bucketCount) }

    /// The socket is at another address, or at the same one again.
    mutating func moved(to endpoint: Endpoint) {
        if local.host != endpoint.host { votes.forget() }
        local = endpoint
    }

    mutating func rename(to id: NodeID) {
        encoder.id = id
        tableV4.rename(to: id)
        tableV6.rename(to: id)
    }
}

// MARK: - The table of the family

extension Home {
    mutating func answered(_ contact: Contact, roundTrip: Duration, now: Instant) -> TableAdmission {
        switch contact.endpoint {
        case .v4(let address): tableV4.answered(id: contact.id, address: address, roundTrip: roundTrip, now: now)
        case .v6(let address): tableV6.answered(id: contact.id, address: address, roundTrip: roundTrip, now: now)
        }
    }

    mutating func admitUnverified(_ contact: Contact, now: Instant) {
        switch contact.endpoint {
        case .v4(let address): tableV4.admitUnverified(id: contact.id, address: address, now: now)
        case .v6(let address): tableV6.admitUnverified(id: contact.id, address: address, now: now)
        }
    }

    mutating func failed(_ contact: Contact) {
        switch contact.endpoint {
        case .v4(let address): tableV4.failed(id: contact.id, address: address)
        case .v6(let address): tableV6.failed(id: contact.id, address: address)
        }
    }

    mutating func disowned(_ contact: Contact) {
        switch contact.endpoint {
        case .v4(let address): tableV4.disowned(id: contact.id, address: address)
        case .v6(let address): tableV6.disowned(id: contact.id, address: address)
        }
    }

    mutating func heard(_ contact: Contact, now: Instant) -> TableStanding {
        switch contact.endpoint {
        case .v4(let address): tableV4.heard(id: contact.id, address: address, now: now)
        case .v6(let address): tableV6.heard(id: contact.id, address: address, now: now)
        }
    }

    /// The contact to check next, what to look for in its bucket, and whether that bucket could take more.
    mutating func nextCheck(
        now: Instant, pauseAfterFailure: Duration, using generator: inout SeededGenerator
    ) -> (contact: Contact, target: ID160, hasRoom: Bool)? {
        switch family {
        case .v4: tableV4.nextCheck(now: now, pauseAfterFailure: pauseAfterFailure, using: &generator)
        case .v6: tableV6.nextCheck(now: now, pauseAfterFailure: pauseAfterFailure, using: &generator)
        }
    }
}
