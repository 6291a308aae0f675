import KRPC
import Primitives

/// What became of contacts that a full or a cautious table could not simply take.
package struct TableCounters: Equatable, Sendable {
    /// Verified contacts turned away because of others from their /24 or /56.
    package var prefixRefusals = 0
    /// Contacts that gave way to one with a better address, other next bits, or a shorter round trip.
    package var displaced = 0
    /// Contacts dropped for their silence, or because another id answered.
    package var evicted = 0
    /// Spares that took the place of a dropped contact.
    package var promoted = 0

    package init() {}

    static func += (left: inout TableCounters, right: TableCounters) {
        left.prefixRefusals += right.prefixRefusals
        left.displaced += right.displaced
        left.evicted += right.evicted
        left.promoted += right.promoted
    }
}

/// Who gets in, and at whose cost.
extension RoutingTable {
    /// Applies "one id per address" and the caps per network: false when another contact stands in the way.
    mutating func makeWay(for contact: TableContact<Address>) -> Bool {
        let address = contact.address
        if !replacements.isEmpty {
            removeSpares { [isPublic] in Self.areOne($0.address, address, isPublic) || $0.id == contact.id }
        }
        if let index = index(of: address) {
            // The same endpoint under another id is one node that changed its id; another port may be another node.
            guard contacts[index].address == address || contacts[index].isBad else { return false }
            remove(at: index)
        }
        guard !isPublic || isWithinPrefixCaps(contact) else {
            counters.prefixRefusals += 1
            return false
        }
        return true
    }

    /// Whether two addresses count as one: a host has one place, in public mode.
    private static func areOne(_ left: Address, _ right: Address, _ isPublic: Bool) -> Bool {
        left == right || isPublic && left.sharesHost(with: right)
    }

    private func index(of address: Address) -> Int? {
        let contacts = contacts.span
        for index in contacts.indices where Self.areOne(contacts[index].address, address, isPublic) { return index }
        return nil
    }

    /// Whether the /24 or /56 of a newcomer has room in its bucket and in the table.
    func isWithinPrefixCaps(_ contact: TableContact<Address>) -> Bool {
        var (inBucket, inTable) = (0, 0)
        let members = range(of: bucket(of: contact.id))
        let contacts = contacts.span
        for index in contacts.indices where contacts[index].address.sharesPrefix(with: contact.address) {
            inTable += 1
            if members.contains(index) { inBucket += 1 }
        }
        // The last bucket will be divided: only the table counts for it.
        let isLast = bucket(of: contact.id) == bucketCount - 1
        return inTable < rules.contactsPerPrefix && (isLast || inBucket < rules.contactsPerPrefixInBucket)
    }

    /// Those that may share a bucket; while it was the last one it could hold more of one network.
    func withinPrefixCap(_ members: [TableContact<Address>]) -> [TableContact<Address>] {
        guard isPublic else { return members }
        var kept: [TableContact<Address>] = []
        for contact in members {
            let others = kept.count { $0.address.sharesPrefix(with: contact.address) }
            if others < rules.contactsPerPrefixInBucket { kept.append(contact) }
        }
        return kept
    }

    /// Finds a place for a contact that nothing speaks against.
    mutating func admit(_ contact: TableContact<Address>) -> TableAdmission {
        while isFull(bucket(of: contact.id)), canSplit(bucket(of: contact.id)) { split() }
        let bucket = bucket(of: contact.id)
        guard isFull(bucket) else {
            insert(contact)
            return .added
        }
        if let victim = victim(of: contact, in: bucket) {
            let displaced = contacts[victim]
            contacts[victim] = contact
            counters.displaced += 1
            if !displaced.isBad { keepAsSpare(displaced) }
            return .added
        }
        return keepAsSpare(contact) ? .spare : .refused
    }

    private func isFull(_ bucket: Int) -> Bool { contactCount(of: bucket) >= capacity(of: bucket) }

    /// Keeps a contact for later.
    ///
    /// In public mode one network has one spare of a bucket, and one whose address does not allow its id makes room for
    /// one that is allowed: the spares are the next contacts.
    @discardableResult
    mutating func keepAsSpare(_ contact: TableContact<Address>) -> Bool {
        let bucket = bucket(of: contact.id)
        if isPublic {
            let isTaken = replacements.contains {
                $0.address.sharesPrefix(with: contact.address) && self.bucket(of: $0.id) == bucket
            }
            guard !isTaken else { return false }
        }
        if Int(spareCounts[bucket]) >= rules.replacementsPerBucket {
            guard rules.prefersSecureIDs, contact.isSecure,
                let worse = replacements.firstIndex(where: { !$0.isSecure && self.bucket(of: $0.id) == bucket })
            else { return false }
            replacements.remove(at: worse)
            spareCounts[bucket] -= 1
        }
        spareCounts[bucket] += 1
        replacements.append(contact)
        return true
    }

    /// Who gives way to a newcomer in a full bucket, if anybody does: the dead, then those whose address does not allow
    /// their id, then one of a crowd where the newcomer would stand alone, then one that is clearly slower.
    private func victim(of newcomer: TableContact<Address>, in bucket: Int) -> Int? {
        let members = range(of: bucket)
        if let worst = worst(of: members), contacts[worst].isBad { return worst }
        let contacts = contacts.span
        var mayBeSecure = true
        if rules.prefersSecureIDs {
            let hasInsecure = members.contains { !contacts[$0].isSecure }
            if newcomer.isSecure, hasInsecure { return slowest(of: members) { !$0.isSecure } }
            mayBeSecure = newcomer.isSecure
        }
        let isEligible = { (contact: TableContact<Address>) in mayBeSecure || !contact.isSecure }
        guard rules.spreadsPrefixes else {
            return slowest(of: members, if: isEligible).flatMap { yields($0, to: newcomer) }
        }
        let (prefix, mask) = slot(of: newcomer.id, in: bucket)
        let isAlone = !members.contains { contacts[$0].id.high & mask == prefix }
        if isAlone { return slowestOfCrowd(among: members, in: bucket, if: isEligible) }
        let rival = slowest(of: members) { $0.id.high & mask == prefix && isEligible($0) }
        return rival.flatMap { yields($0, to: newcomer) }
    }

    /// The contact itself, if the rules let speed decide and the newcomer is faster by a quarter.
    private func yields(_ index: Int, to newcomer: TableContact<Address>) -> Int? {
        rules.ranksByRoundTrip && newcomer.roundTrip * 4 < contacts[index].roundTrip * 3 ? index : nil
    }

    /// The first of those with the most failures.
    private func worst(of members: Range<Int>) -> Int? {
        let contacts = contacts.span
        return members.max { contacts[$0].failures < contacts[$1].failures }
    }

    private func slowest(of members: Range<Int>, if isEligible: (TableContact<Address>) -> Bool) -> Int? {
        let contacts = contacts.span
        var slowest: Int?
        for index in members where isEligible(contacts[index]) {
            if slowest.map({ contacts[$0].roundTripCode < contacts[index].roundTripCode }) ?? true { slowest = index }
        }
        return slowest
    }

    /// The slowest in the slot with the most contacts, if those are more than one.
    private func slowestOfCrowd(
        among members: Range<Int>, in bucket: Int, if isEligible: (TableContact<Address>) -> Bool
    ) -> Int? {
        let contacts = contacts.span
        let mask = slot(of: ownID, in: bucket).mask
        // A bucket of at most 255 has at most 128 slots.
        var counts = [128 of UInt8](repeating: 0)
        for index in members where isEligible(contacts[index]) {
            counts[Int((contacts[index].id.high & mask) >> mask.trailingZeroBitCount) & 127] += 1
        }
        guard let largest = counts.indices.max(by: { counts[$0] < counts[$1] }), counts[largest] > 1 else { return nil }
        let prefix = UInt64(largest) << mask.trailingZeroBitCount
        var slowest: Int?
        for index in members where isEligible(contacts[index]) && contacts[index].id.high & mask == prefix {
            guard let other = slowest else {
                slowest = index
                continue
            }
            let (code, most) = (contacts[index].roundTripCode, contacts[other].roundTripCode)
            if code > most || code == most && contacts[index].id < contacts[other].id { slowest = index }
        }
        return slowest
    }

    /// The bits of an id that follow those which all of its bucket share, as many as the bucket could keep apart; and
    /// the mask that selects them.
    ///
    /// Deeper than 64 bits there is nothing to spread.
    func slot(of id: NodeID, in bucket: Int) -> (prefix: UInt64, mask: UInt64) {
        let width = UInt64(Int.bitWidth - 1 - capacity(of: bucket).leadingZeroBitCount)
        let shared = UInt64(bucket + 1)
        guard width > 0, shared + width < 64 else { return (0, 0) }
        let mask = (~0 << (64 - width)) >> shared as UInt64
        return (id.high & mask, mask)
    }
}
