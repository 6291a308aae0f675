package import Kademlia

extension NodeCounts {
    package init(_ statistics: Statistics) {
        self.init(
            queriesSent: statistics.queriesSent.total, answers: statistics.answersReceived.total,
            contacts: statistics.contactsV4 + statistics.contactsV6)
    }
}
