package import KRPC
package import Primitives

/// What became of a node that answered.
package enum TableAdmission: Equatable, Sendable {
    case added
    /// It was there before.
    case refreshed
    /// Its bucket is full of good contacts: kept as a spare.
    case spare
    case refused
}

/// What the table thinks of a node that has not just answered.
package enum TableStanding: Equatable, Sendable {
    /// One of its contacts.
    case contact
    /// It would find room, as a contact or a spare, if it answered us.
    case welcome
    /// There is no need to ping it.
    case unwelcome
}

/// The contacts of one home: buckets of k that split on our own id (BEP 5, section "Routing Table").
///
/// Only nodes that answered a query of ours enter, so nobody gets in by claiming an address. Bucket i holds the
/// contacts that share exactly i leading bits with our id; the last one also holds all that share more, and is the
/// only one that splits. All buckets lie in one array, in order, which keeps a small table at a few cache lines.
package struct RoutingTable<Address: ContactAddress>: Sendable {
    package private(set) var ownID: NodeID
    let bucketSize: Int
    @Shared var rules: TableRules
    /// Public mode: one contact per host, few per network, and ids are judged by their addresses (BEP 42).
    ///
    /// Otherwise one contact per endpoint.
    let isPublic: Bool

    /// Grouped by bucket, ascending.
    package internal(set) var contacts: [TableContact<Address>] = []
    var counts: [UInt8] = [0]
    /// How many of `replacements` belong to each bucket.
    var spareCounts: [UInt8] = [0]
    /// Verified contacts whose bucket was full, oldest first.
    package internal(set) var replacements: [TableContact<Address>] = []
    package internal(set) var counters = TableCounters()
    /// The last bucket that a refresh was for.
    private var refreshedBucket = 0

    package init(ownID: NodeID, configuration: Configuration) {
        self.ownID = ownID
        bucketSize = min(max(configuration.bucketSize, 1), 255)
        _rules = configuration.$table
        isPublic = configuration.networkMode == .public
    }

    /// The node with this id answered our query from this address.
    @specialized(where Address == EndpointV4)
    package mutating func answered(id: NodeID, address: Address, roundTrip: Duration, now: Instant) -> TableAdmission {
        guard id != ownID else { return .refused }
        if let index = index(of: id) {
            if contacts[index].address == address {
                contacts[index].answered(roundTrip: roundTrip, now: now)
                return .refreshed
            }
            // A second node under a known id is believed only when the first one has gone quiet.
            guard contacts[index].isBad else { return .refused }
            remove(at: index)
        }
        let isSecure = !isPublic || SecureID.isValid(id, for: address.endpoint)
        let contact = TableContact(id: id, address: address, roundTrip: roundTrip, isSecure: isSecure, now: now)
        guard makeWay(for: contact) else { return .refused }
        return admit(contact)
    }

    /// A stranger asked us something, and the rules let strangers in: it enters as if it had answered slowly, if that
    /// costs nobody a place.
    mutating func admitUnverified(id: NodeID, address: Address, now: Instant) {
        guard standing(id: id, address: address) == .welcome else { return }
        let contact = TableContact(id: id, address: address, roundTrip: .seconds(1), now: now)
        guard makeWay(for: contact) else { return }
        _ = admit(contact)
    }

    /// A query of ours to this contact stayed unanswered.
    ///
    /// With a spare at hand a bad contact goes at once; without, the contact has `failuresTolerated` chances.
    package mutating func failed(id: NodeID, address: Address) {
        guard let index = index(of: id), contacts[index].address == address else { return }
        contacts[index].failed()
        let isHopeless = contacts[index].failures >= min(rules.failuresTolerated, 7)
        guard isHopeless || contacts[index].isBad && spareCounts[bucket(of: id)] > 0 else { return }
        remove(at: index)
        counters.evicted += 1
        promoteSpare(into: bucket(of: id))
    }

    /// The node at this address turned out not to be `id`: whatever it is, we do not know it under that id.
    package mutating func disowned(id: NodeID, address: Address) {
        removeSpares { $0.id == id && $0.address == address }
        guard let index = index(of: id), contacts[index].address == address else { return }
        remove(at: index)
        counters.evicted += 1
        promoteSpare(into: bucket(of: id))
    }

    /// A query came from this node.
    @specialized(where Address == EndpointV4)
    package mutating func heard(id: NodeID, address: Address, now: Instant) -> TableStanding {
        let standing = standing(id: id, address: address)
        if standing == .contact, let index = index(of: id) { contacts[index].touched(now: now) }
        return standing
    }

    /// What the table thinks of a node: one look at its bucket, since it is asked for every query that comes in.
    package func standing(id: NodeID, address: Address) -> TableStanding {
        guard id != ownID else { return .unwelcome }
        let bucket = bucket(of: id)
        let members = range(of: bucket)
        let hasRoom =
            members.count < capacity(of: bucket) || Int(spareCounts[bucket]) < rules.replacementsPerBucket
            || canSplit(bucket)
        let (prefix, slotMask) = slot(of: id, in: bucket)
        var isWelcome = hasRoom
        var isSlotTaken = !rules.spreadsPrefixes
        let contacts = contacts.span
        for index in members {
            let other = contacts[index].id
            if other == id { return contacts[index].address == address ? .contact : .unwelcome }
            if contacts[index].isBad { isWelcome = true }
            if other.high & slotMask == prefix { isSlotTaken = true }
        }
        return isWelcome || !isSlotTaken ? .welcome : .unwelcome
    }

    /// The contact to ask for a sign of life next, what to look for in its bucket, and whether that could take more.
    package mutating func nextCheck(
        now: Instant, pauseAfterFailure: Duration, using generator: inout SeededGenerator
    ) -> (contact: Contact, target: ID160, hasRoom: Bool)? {
        let index: Int?
        switch rules.upkeep {
        case .stalest: index = stalest(now: now, pauseAfterFailure: pauseAfterFailure)
        case .bucketRefresh:
            refreshedBucket = (refreshedBucket + 1) % bucketCount
            index = range(of: refreshedBucket).randomElement(using: &generator)
        }
        guard let index else { return nil }
        contacts[index].touched(now: now)
        let (target, hasRoom) = refreshTarget(for: contacts[index].id, using: &generator)
        return (contacts[index].contact, target, hasRoom)
    }

    /// Takes another id (BEP 42) and sorts all contacts anew; those that find no room are forgotten.
    package mutating func rename(to id: NodeID) {
        let known = contacts + replacements
        ownID = id
        contacts.removeAll()
        replacements.removeAll()
        counts = [0]
        spareCounts = [0]
        for contact in known where contact.id != id && makeWay(for: contact) { _ = admit(contact) }
    }

    package var bucketCount: Int { counts.count }
    package var isEmpty: Bool { contacts.isEmpty }
}

// MARK: - Buckets

extension RoutingTable {
    /// The bucket that `id` belongs to.
    func bucket(of id: NodeID) -> Int {
        min(ownID.commonPrefixLength(with: id), counts.count - 1)
    }

    /// Where a bucket's contacts lie in `contacts`.
    func range(of bucket: Int) -> Range<Int> {
        var start = 0
        for earlier in 0..<bucket { start += Int(counts[earlier]) }
        return start..<start + Int(counts[bucket])
    }

    func contactCount(of bucket: Int) -> Int { Int(counts[bucket]) }

    /// How many contacts a bucket may hold.
    func capacity(of bucket: Int) -> Int {
        guard bucket < rules.lowBucketSizes.count else { return bucketSize }
        return max(bucketSize, min(rules.lowBucketSizes[bucket], 255))
    }

    func index(of id: NodeID) -> Int? {
        let contacts = contacts.span
        for index in range(of: bucket(of: id)) where contacts[index].id == id { return index }
        return nil
    }

    func canSplit(_ bucket: Int) -> Bool {
        bucket == counts.count - 1 && counts.count < ID160.bitCount
    }

    /// Fills a gap with the spare that answered most recently.
    mutating func promoteSpare(into bucket: Int) {
        let spare = replacements.lastIndex {
            self.bucket(of: $0.id) == bucket && (!isPublic || isWithinPrefixCaps($0))
        }
        guard let spare else { return }
        spareCounts[bucket] -= 1
        counters.promoted += 1
        insert(replacements.remove(at: spare))
    }

    mutating func removeSpares(where condition: (TableContact<Address>) -> Bool) {
        for index in replacements.indices.reversed() where condition(replacements[index]) {
            spareCounts[bucket(of: replacements.remove(at: index).id)] -= 1
        }
    }

    /// Divides the last bucket: contacts that share no more than its prefix stay, the others move on.
    mutating func split() {
        let last = counts.count - 1
        let members = range(of: last)
        let near = contacts[members].filter { ownID.commonPrefixLength(with: $0.id) > last }
        var far = withinPrefixCap(contacts[members].filter { ownID.commonPrefixLength(with: $0.id) == last })
        // A large bucket's heirs may be smaller: the fastest stay, the others become spares.
        var surplus: [TableContact<Address>] = []
        if far.count > capacity(of: last) {
            far.sort { ($0.failures, $0.roundTrip, $0.id) < ($1.failures, $1.roundTrip, $1.id) }
            surplus = Array(far[capacity(of: last)...])
            far.removeLast(surplus.count)
        }
        contacts.replaceSubrange(members, with: far + near)
        counts[last] = UInt8(far.count)
        counts.append(UInt8(near.count))
        // The last bucket never has spares: it splits instead.
        spareCounts.append(0)
        for contact in surplus { keepAsSpare(contact) }
        // What was one large bucket may be too much for the next, smaller one.
        if near.count > capacity(of: last + 1), canSplit(last + 1) { split() }
    }

    mutating func insert(_ contact: TableContact<Address>) {
        let bucket = bucket(of: contact.id)
        // Exact growth: doubling would leave a third of the memory of a large simulation unused.
        if contacts.count == contacts.capacity { contacts.reserveCapacity(contacts.count + 4) }
        contacts.insert(contact, at: range(of: bucket).upperBound)
        counts[bucket] += 1
    }

    mutating func remove(at index: Int) {
        counts[bucket(of: contacts[index].id)] -= 1
        contacts.remove(at: index)
    }
}
