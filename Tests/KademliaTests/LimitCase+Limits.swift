import KRPC
import Kademlia
import Primitives
import TestSupport

/// `Configuration.Limits`.
extension LimitCase {
    static let limits = ourWork + whatWeKeep + items

    private static let ourWork: [LimitCase] = [
        LimitCase("transactionCount") {
            $0.limits.transactionCount = 2
        } refusals: {
            var scene = LimitScene($0)
            scene.bench.command(.bootstrap((0..<5).map(scene.endpoint)))
            return scene.statistics.refused.transactions
        },
        LimitCase("lookupCount") {
            $0.limits.lookupCount = 3
        } refusals: {
            var scene = LimitScene($0)
            for id in 1...5 as ClosedRange<UInt64> {
                scene.bench.command(.lookup(LookupID(id), target: .zero, .findNode))
            }
            return scene.statistics.refused.lookups
        },
        LimitCase("candidatesPerLookup") {
            $0.limits.candidatesPerLookup = 12
        } refusals: {
            var scene = LimitScene($0)
            let nodes = (0..<16).map {
                Contact(id: NodeID(high: UInt64($0), middle: 0, low: 1), endpoint: scene.endpoint(100 + $0))
            }
            scene.answerLookup(with: ReplyContent(nodes: nodes))
            return scene.statistics.refused.candidates
        },
        LimitCase("contactsPerReply") {
            $0.limits.contactsPerReply = 4
        } refusals: {
            var scene = LimitScene($0)
            scene.answerLookup(with: ReplyContent(nodes: (0..<8).map { scene.stranger(100 + $0).contact }))
            return scene.statistics.refused.contacts
        },
        LimitCase("peersPerLookup") {
            $0.limits.peersPerLookup = 30
        } refusals: {
            var scene = LimitScene($0)
            scene.answerLookup(with: ReplyContent(values: (0..<50).map { scene.endpoint(100 + $0) }))
            return scene.statistics.refused.peers
        },
        LimitCase("peersPerReply") {
            $0.limits.peersPerReply = 30
        } refusals: {
            var scene = LimitScene($0)
            scene.answerLookup(with: ReplyContent(values: (0..<50).map { scene.endpoint(100 + $0) }))
            return scene.statistics.refused.peers
        },
        LimitCase("bootstrapEndpointCount") {
            $0.limits.bootstrapEndpointCount = 10
        } refusals: {
            var scene = LimitScene($0)
            scene.bench.command(.bootstrap((0..<25).map(scene.endpoint)))
            return scene.statistics.refused.bootstrapEndpoints
        },
        LimitCase("unverifiedContactCount") {
            $0.limits.unverifiedContactCount = 10
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<50 {
                let stranger = scene.stranger(number)
                scene.receive(stranger.ping(), from: stranger)
            }
            return scene.statistics.refused.unverifiedContacts
        },
    ]

    private static let whatWeKeep: [LimitCase] = [
        LimitCase("restoredContactCount") {
            $0.limits.restoredContactCount = 10
        } refusals: { configuration in
            var scene = LimitScene(configuration)
            let known = (0..<25).map { scene.stranger($0).contact }
            let home = NodeState.Home(local: .v4(127, 0, 0, 1, port: 6881), id: nil, contacts: known)
            scene = LimitScene(configuration, restoring: NodeState(homes: [home]))
            return 25 - scene.bench.node.savedState.homes[0].contacts.count
        },
        LimitCase("infoHashCount") {
            $0.limits.infoHashCount = 5
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<8 {
                scene.announce(InfoHash(high: UInt64(number), middle: 0, low: 0), by: scene.stranger(number))
            }
            return scene.statistics.refused.evictedInfoHashes
        },
        LimitCase("peersPerInfoHash") {
            $0.limits.peersPerInfoHash = 5
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<8 { scene.announce(.zero, port: UInt16(5000 + number), by: scene.stranger(number)) }
            return scene.statistics.refused.evictedPeers
        },
        LimitCase("infoHashesPerNetwork") {
            $0.networkMode = .public
        } tight: {
            $0.limits.infoHashesPerNetwork = 2
        } refusals: {
            var scene = LimitScene($0)
            let announcer = scene.stranger(1)
            for number in 1..<5 as Range<UInt64> {
                scene.announce(InfoHash(high: number, middle: 0, low: 0), port: 5000, by: announcer)
            }
            return scene.statistics.refused.evictedInfoHashes
        },
        LimitCase("peersPerAddress") {
            $0.networkMode = .public
        } tight: {
            $0.limits.peersPerAddress = 2
        } refusals: {
            var scene = LimitScene($0)
            let announcer = scene.stranger(1)
            for port in 5000..<5004 as Range<UInt16> { scene.announce(.zero, port: port, by: announcer) }
            return scene.statistics.refused.evictedPeers
        },
        LimitCase("peersPerNetwork") {
            $0.networkMode = .public
        } tight: {
            $0.limits.peersPerNetwork = 2
        } refusals: {
            var scene = LimitScene($0)
            for host in 1..<5 as Range<UInt8> {
                scene.announce(.zero, by: scene.stranger(at: .v4(60, 1, 2, host, port: 7000)))
            }
            return scene.statistics.refused.evictedPeers
        },
        LimitCase("replyByteCount") {
            $0.limits.replyByteCount = 400
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<60 { scene.announce(.zero, port: UInt16(5000 + number), by: scene.stranger(number)) }
            _ = scene.sent()
            let asker = scene.stranger(100)
            scene.receive(asker.getPeers(.zero), from: asker)
            return 60 - (scene.sent().first { $0.to == asker.endpoint }?.values.count ?? 0)
        },
    ]
}
