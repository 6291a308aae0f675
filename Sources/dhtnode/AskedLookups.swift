import CommandSupport
import Glibc
import Kademlia
import Primitives

/// Lookups that somebody asks a running node for, one infohash a line on standard input: each is told of when its
/// first peers come, and when it is over.
struct AskedLookups: Sendable {
    private struct Asked {
        let infoHash: ID160
        let at: Instant
        var firstPeerAfter: Duration?
    }

    private let console: Console
    private var asked: [LookupID: Asked] = [:]
    private var count: UInt64 = 0

    init(_ console: Console) { self.console = console }

    /// Infohashes as they are read, by a thread of its own since reading waits; the end of the input ends nothing.
    static func read(_ take: @escaping @Sendable (ID160) -> Void) {
        let reader = Unmanaged.passRetained(Reader(take))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Reader>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, reader.toOpaque())
        guard code == 0 else { return reader.release() }
        pthread_detach(thread)
    }

    private final class Reader: Sendable {
        let take: @Sendable (ID160) -> Void

        init(_ take: @escaping @Sendable (ID160) -> Void) { self.take = take }

        func run() {
            while let line = readLine() {
                if let hash = try? TargetText.infoHash(line) { take(hash) }
            }
        }
    }

    mutating func start(_ infoHash: ID160, now: Instant) -> Command {
        count += 1
        let id = LookupID(count)
        asked[id] = Asked(infoHash: infoHash, at: now)
        return .lookup(id, target: infoHash, .getPeers)
    }

    mutating func happened(_ event: Event, now: Instant) {
        switch event {
        case .peersFound(let id, let peers, let source):
            guard let lookup = asked[id], lookup.firstPeerAfter == nil else { return }
            let wait = lookup.at.duration(to: now)
            asked[id]?.firstPeerAfter = wait
            tell(
                "first_peer", lookup,
                [
                    .init("peer", .string(peers[0].description)), .init("from", .string(source.description)),
                    .init("seconds", .number(wait.inSeconds)),
                ])
        case .lookupFinished(let id, let report):
            guard let lookup = asked.removeValue(forKey: id) else { return }
            let wait = lookup.firstPeerAfter.map { JSONValue.number($0.inSeconds) } ?? .null
            tell(
                "peers", lookup, [.init("peers", .integer(report.peers)), .init("first_peer", wait)] + report.members)
        case .lookupRefused(let id):
            guard let lookup = asked.removeValue(forKey: id) else { return }
            tell("lookup_refused", lookup, [])
        default: break
        }
    }

    private func tell(_ event: String, _ lookup: Asked, _ members: [JSONValue.Member]) {
        console.event(JSONLine(event: event, [.init("info_hash", .string(lookup.infoHash.hex))] + members))
    }
}
