import KRPC
import Primitives

/// What we ask others.
enum OutgoingQuery {
    case ping
    case findNode(target: ID160, want: Want?)
    case getPeers(infoHash: InfoHash, want: Want?, GetPeersOptions = [])
    /// Port 0: the port that the packet comes from.
    case announcePeer(infoHash: InfoHash, port: UInt16, isSeed: Bool, token: [UInt8])
    case get(target: ID160, newerThan: Int64?, want: Want?)
    case put(Item, expectedSequence: Int64?, token: [UInt8])
    case sampleInfoHashes(target: ID160, want: Want?)

    var verb: Verb {
        switch self {
        case .ping: .ping
        case .findNode: .findNode
        case .getPeers: .getPeers
        case .announcePeer: .announcePeer
        case .get: .get
        case .put: .put
        case .sampleInfoHashes: .sampleInfoHashes
        }
    }
}

extension MessageEncoder {
    /// Writes a query of ours; `number` comes back with its answer.
    func encode(_ query: OutgoingQuery, number: UInt32, localPort: UInt16, into bytes: inout [UInt8]) {
        switch query {
        case .ping: ping(number: number, into: &bytes)
        case .findNode(let target, let want):
            findNode(target: target, want: want, number: number, into: &bytes)
        case .getPeers(let infoHash, let want, let options):
            getPeers(infoHash: infoHash, want: want, options: options, number: number, into: &bytes)
        case .announcePeer(let infoHash, let port, let isSeed, let token):
            announcePeer(
                infoHash: infoHash, port: port == 0 ? localPort : port, impliedPort: port == 0, isSeed: isSeed,
                token: token, number: number, into: &bytes)
        case .get(let target, let sequence, let want):
            get(target: target, newerThan: sequence, want: want, number: number, into: &bytes)
        case .put(let item, let expectedSequence, let token):
            put(item, expectedSequence: expectedSequence, token: token, number: number, into: &bytes)
        case .sampleInfoHashes(let target, let want):
            sampleInfoHashes(target: target, want: want, number: number, into: &bytes)
        }
    }
}

extension Statistics.Verbs {
    mutating func count(_ verb: Verb) {
        switch verb {
        case .ping: ping += 1
        case .findNode: findNode += 1
        case .getPeers: getPeers += 1
        case .announcePeer: announcePeer += 1
        case .get: get += 1
        case .put: put += 1
        case .sampleInfoHashes: sampleInfoHashes += 1
        }
    }
}
