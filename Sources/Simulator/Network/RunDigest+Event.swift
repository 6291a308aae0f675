import Client
import KRPC
import Kademlia
import Primitives
import Swarm

extension RunDigest {
    /// Takes in what a node told, with its time.
    mutating func absorb(_ event: Event, at now: Instant, of node: Int) {
        absorb(UInt64(bitPattern: now.nanoseconds) ^ UInt64(node) << 40)
        switch event {
        case .firstContact(let endpoint): absorb(1, endpoint)
        case .bootstrapFinished(let home, let nodes): absorb(2 + UInt64(home) << 8, UInt64(nodes))
        case .peersFound(let id, let peers, let source):
            absorb(3, id.rawValue)
            absorb(UInt64(peers.count), source)
            for peer in peers { absorb(0, peer) }
        case .samplesFound(let id, let hashes, let source, let total):
            absorb(9, id.rawValue)
            absorb(UInt64(total), source.endpoint)
            for hash in hashes { absorb(hash) }
        case .itemFound(let id, let item, let source):
            absorb(10, id.rawValue)
            absorb(item)
            absorb(0, source)
        case .publicationEnded(let id, let item):
            absorb(11, id.rawValue)
            absorb(item)
        case .lookupFinished(let id, let report): absorb(report, of: id)
        case .lookupRefused(let id): absorb(5, id.rawValue)
        case .externalAddressKnown(let home, let endpoint): absorb(6 + UInt64(home) << 8, endpoint)
        case .identityChanged(let home, let id):
            absorb(7, UInt64(home))
            absorb(id)
        case .pinged(let endpoint, let pong):
            absorb(8, endpoint)
            guard let pong else { return }
            absorb(pong.id)
            absorb(UInt64(bitPattern: pong.roundTrip.wholeNanoseconds))
        }
    }

    /// Likewise a client; its bytes are taken in as they leave, so of a torrent the moment is enough.
    mutating func absorb(_ event: Client.Event, at now: Instant, of client: Int) {
        switch event {
        case .dht(let event): absorb(event, at: now, of: client)
        case .torrent(let torrent, _):
            absorb(UInt64(bitPattern: now.nanoseconds) ^ UInt64(client) << 40)
            absorb(12, UInt64(torrent.rawValue))
        case .tracker: absorb(13)
        }
    }

    private mutating func absorb(_ report: LookupReport, of id: LookupID) {
        absorb(4, id.rawValue)
        let counts = [report.queried, report.answered, report.unanswered, report.peers, report.announcedTo]
        for count in counts { absorb(UInt64(count)) }
        absorb(UInt64(bitPattern: report.duration.wholeNanoseconds))
        for contact in report.closest {
            absorb(contact.id)
            absorb(0, contact.endpoint)
        }
    }

    private mutating func absorb(_ item: Item) {
        absorb(item.value.span.bytes)
        guard let signed = item.signed else { return }
        absorb(UInt64(bitPattern: signed.sequence))
        absorb(signed.signature.span.bytes)
    }

    private mutating func absorb(_ id: ID160) {
        absorb(id.high, id.middle)
        absorb(UInt64(id.low))
    }

    private mutating func absorb(_ kind: UInt64, _ endpoint: Endpoint) {
        absorb(kind)
        var bytes: [UInt8] = []
        endpoint.appendCompact(to: &bytes)
        absorb(bytes.span.bytes)
    }

    private mutating func absorb(_ first: UInt64, _ second: UInt64) {
        absorb(first)
        absorb(second)
    }
}
