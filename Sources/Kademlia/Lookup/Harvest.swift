import KRPC
import Primitives

/// What the answers to a lookup brought beside nodes and peers.
struct Harvest: Sendable {
    private var seeds = ScrapeFilter?.none
    private var peers = ScrapeFilter?.none
    private var filterCount = 0
    /// The newest authentic item of the target.
    private(set) var item: Item?
    /// Who gave samples, or filters, since some are asked twice, as bootstrap node and as candidate; never iterated.
    private var givers: Set<Endpoint> = []
    var refused = LookupReport.Refused()

    var scrape: ScrapeEstimate? {
        guard let seeds, let peers else { return nil }
        return ScrapeEstimate(seeds: seeds.estimate, peers: peers.estimate, nodes: filterCount)
    }

    mutating func add(_ filters: FilterFields, from endpoint: Endpoint, in packet: RawSpan) {
        guard givers.insert(endpoint).inserted, let otherSeeds = ScrapeFilter(packet.copy(filters.seeds)),
            let otherPeers = ScrapeFilter(packet.copy(filters.peers))
        else { return }
        filterCount += 1
        if seeds == nil { seeds = ScrapeFilter() }
        if peers == nil { peers = ScrapeFilter() }
        seeds?.formUnion(otherSeeds)
        peers?.formUnion(otherPeers)
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
