/// How the lookups of one policy went.
package struct LookupFigures: Equatable, Sendable {
    package let policy: Policy
    package var lookups = 0
    /// Lookups that found the announced peer in time.
    package var succeeded = 0
    /// Lookups that ended, and those of them whose nearest node is as near as any open one that lived.
    package var closestChecked = 0
    package var closestFound = 0
    /// Seconds until the announced peer was found, of those that found it.
    package var firstValueSeconds = Spread()
    /// Seconds until the last of the closest nodes, with which the lookup ended, had answered.
    package var closestSetSeconds = Spread()
    /// Seconds until the lookup said that it is over.
    package var finishSeconds = Spread()
    /// Queries sent for the lookup, resends included.
    package var packetsUntilFirstValue = Spread()
    package var packetsUntilClosestSet = Spread()
    package var packets = Spread()
    /// Queries from one answer to the next that led to the first value, and to the last of the closest set.
    package var firstValueDepth = Spread()
    package var closestSetDepth = Spread()
    package var handedOut = HandedOut()

    package init(policy: Policy) {
        self.policy = policy
    }

    package var successShare: Double { lookups == 0 ? 0 : Double(succeeded) / Double(lookups) }
    package var closestFoundShare: Double { closestChecked == 0 ? 0 : Double(closestFound) / Double(closestChecked) }

    /// Contacts in the answers that askers got.
    package struct HandedOut: Equatable, Sendable {
        package var contacts = 0
        /// Nobody is there any more, or nobody ever was.
        package var gone = 0
        /// Somebody is there, whom the asker cannot reach.
        package var unreachable = 0

        package init() {}

        package var uselessShare: Double {
            contacts == 0 ? 0 : Double(gone + unreachable) / Double(contacts)
        }

        static func += (left: inout HandedOut, right: HandedOut) {
            left.contacts += right.contacts
            left.gone += right.gone
            left.unreachable += right.unreachable
        }
    }
}
