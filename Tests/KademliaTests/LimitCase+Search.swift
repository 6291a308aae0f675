import KRPC
import Primitives
import TestSupport

@testable import Kademlia

/// `SearchRules`, as far as they are limits.
extension LimitCase {
    static let search: [LimitCase] = [
        LimitCase("storeLimit") {
            $0.networkMode = .public
            $0.search.prefersSecureIDs = false
        } tight: {
            $0.search.storeLimit = 10
        } refusals: { configuration in
            // All of one /6, so that an announce goes on looking for others.
            let rules = LookupRules(configuration, announces: true)
            var lookup = Lookup(target: .zero, ownID: NodeID(high: 1, middle: 0, low: 0), rules: rules, now: .origin)
            for number in 0..<20 as Range<UInt32> {
                let endpoint = Endpoint.v4(EndpointV4(address: 0x2D00_0001 + number << 8, port: 7000))
                _ = lookup.offer(Contact(id: NodeID(high: 1 << 60, middle: 0, low: number), endpoint: endpoint))
            }
            for index in lookup.candidates.indices {
                lookup.candidates[index].state = .answered
                lookup.candidates[index].token = [1]
            }
            return 20 - lookup.storeSet().count
        },
        LimitCase("cachedLookupCount") {
            $0.search.cachedLookupCount = 2
        } refusals: {
            var scene = LimitScene($0)
            scene.befriend(1)
            let friend = scene.stranger(3000)
            for number in 0..<4 as Range<UInt64> {
                let target = ID160(high: number << 60, middle: 0, low: 0)
                scene.bench.command(.lookup(LookupID(number), target: target, .findNode))
                for query in scene.sent() where query.query != nil { scene.answer(query, as: friend) }
                scene.bench.advance(by: .seconds(20))
            }
            return scene.statistics.search.evictedLookups
        },
        LimitCase("rememberedFailureCount") {
            $0.search.rememberedFailureCount = 1
        } refusals: {
            var scene = LimitScene($0)
            scene.answerLookup(with: ReplyContent(nodes: (0..<6).map { scene.stranger(100 + $0).contact }))
            scene.bench.advance(by: .seconds(5))
            // Their silence is their own only if somebody else is heard.
            let other = scene.stranger(1)
            scene.receive(other.ping(), from: other)
            scene.bench.advance(by: .seconds(30))
            return scene.statistics.search.forgottenFailures
        },
        LimitCase("candidatesPerPrefix") {
            $0.networkMode = .public
        } tight: {
            $0.search.candidatesPerPrefix = 1
        } refusals: {
            var scene = LimitScene($0)
            let nodes = (1...2).map { scene.stranger(at: .v4(60, 1, 2, $0, port: 7000)).contact }
            scene.answerLookup(with: ReplyContent(nodes: nodes))
            return scene.statistics.refused.candidates
        },
    ]

    /// How lookups go about it, not limits: other tests and the simulator are for them.
    static let searchPolicies: Set<String> = [
        "concurrency", "stall", "stallQuantile", "stallsByContact", "floodGuard", "prefersLikely", "prefersFast",
        "queryTimeout",
        "attempts", "settleTimeout", "lifetime", "prefersSecureIDs", "storeSet", "cacheLifetime",
        "failureLifetime",
    ]
}
