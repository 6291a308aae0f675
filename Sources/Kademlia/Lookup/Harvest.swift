import KRPC
import Primitives

/// What the answers to a lookup brought beside nodes and peers.
struct Harvest: Sendable {
    /// What the nodes nearest to the target say about its peers.
    private var counts = ScrapeCounts()
    /// The newest authentic item of the target.
    private(set) var item: Item?
    /// Who gave samples, or filters, since some are asked twice, as bootstrap node and as candidate; never iterated.
    private var givers: Set<Endpoint> = []
    var refused = LookupReport.Refused()

    var scrape: ScrapeEstimate? { counts.estimate }

    mutating func add(_ filters: FilterFields, from contact: Contact, near target: ID160, in packet: RawSpan) {
        guard givers.insert(contact.endpoint).inserted, let seeds = ScrapeFilter(packet.copy(filters.seeds)),
            let peers = ScrapeFilter(packet.copy(filters.peers))
        else { return }
        counts.add(seeds: seeds, peers: peers, distance: contact.id.distance(to: target))
    }

    /// Returns whether it is newer than what there was.
    mutating func add(_ item: Item) -> Bool {
        if let known = self.item {
            guard let signed = item.signed, let before = known.signed, signed.sequence > before.sequence else {
                return false
            }
        }
        self.item = item
        return true
    }

    /// Returns false for a second one.
    mutating func noteSample(from endpoint: Endpoint) -> Bool { givers.insert(endpoint).inserted }

    mutating func noteRefusal(_ code: ErrorCode) {
        switch code {
        case .unexpectedSequence: refused.unexpectedSequence += 1
        case .sequenceTooLow: refused.sequenceTooLow += 1
        default: refused.otherwise += 1
        }
    }

    func describe(_ report: inout LookupReport) {
        report.scrape = scrape
        report.item = item
        report.sampledFrom = scrape == nil ? givers.count : 0
        report.refused = refused
    }
}
