import KRPC
import Kademlia
import Primitives
import TestSupport

/// `Budgets`.
extension LimitCase {
    static let budgets = queryRates + answerBytes + sources + ourQueries

    private static let queryRates: [LimitCase] = [
        LimitCase("queriesPerSecondPerSource") {
            $0.budgets.queriesPerSecondPerSource = 1
        } refusals: {
            var scene = LimitScene($0)
            let loud = scene.stranger(1)
            for _ in 0..<100 {
                scene.receive(loud.ping(), from: loud)
                scene.bench.advance(by: .milliseconds(200))
            }
            return scene.statistics.refused.rateLimited
        },
        LimitCase("queryBurstPerSource") {
            $0.budgets.queryBurstPerSource = 5
        } refusals: {
            var scene = LimitScene($0)
            let loud = scene.stranger(1)
            for _ in 0..<20 { scene.receive(loud.ping(), from: loud) }
            return scene.statistics.refused.rateLimited
        },
        LimitCase("queriesPerSecondPerNetwork") {
            $0.networkMode = .public
        } tight: {
            $0.budgets.queriesPerSecondPerNetwork = 1
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<800 {
                let neighbour = scene.stranger(at: neighbour(number))
                scene.receive(neighbour.ping(), from: neighbour)
                scene.bench.advance(by: .milliseconds(12))
            }
            return scene.statistics.budgets.networkRate
        },
        LimitCase("queryBurstPerNetwork") {
            $0.networkMode = .public
        } tight: {
            $0.budgets.queryBurstPerNetwork = 10
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<30 {
                let neighbour = scene.stranger(at: neighbour(number))
                scene.receive(neighbour.ping(), from: neighbour)
            }
            return scene.statistics.budgets.networkRate
        },
    ]

    private static let answerBytes: [LimitCase] = [
        LimitCase("answerBytesPerQueryByte") {
            $0.budgets.answerBytesPerQueryByte = 1
        } refusals: {
            cutAnswers(LimitScene($0), to: 40)
        },
        LimitCase("answerBurstPerSource") {
            $0.budgets.answerBurstPerSource = 200
        } refusals: {
            cutAnswers(LimitScene($0), to: 1)
        },
        LimitCase("answerBurstPerNetwork") {
            $0.networkMode = .public
        } tight: {
            $0.budgets.answerBurstPerNetwork = 200
        } refusals: {
            cutAnswers(LimitScene($0), to: 1)
        },
        LimitCase("answerBurstInTotal") {
            $0.budgets.answerBurstInTotal = 200
        } refusals: {
            cutAnswers(LimitScene($0), to: 1)
        },
        LimitCase("answerBytesPerSecond") {
            $0.budgets.answerBytesPerSecond = 300
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<20 {
                let asker = scene.stranger(number)
                scene.receive(asker.ping(), from: asker)
            }
            return scene.statistics.budgets.answerBytes
        },
    ]

    private static let sources: [LimitCase] = [
        LimitCase("proofLifetime") {
            $0.budgets.answerBytesPerQueryByte = 1
        } tight: {
            $0.budgets.proofLifetime = .seconds(60)
        } refusals: {
            var scene = LimitScene($0)
            let asker = scene.stranger(1)
            scene.announce(.zero, by: asker)
            scene.bench.advance(by: .seconds(180))
            return cutAnswers(scene, to: 40, asker)
        },
        LimitCase("sourceMemory") {
            $0.budgets.answerBytesPerQueryByte = 1
            $0.budgets.answerBurstInTotal = 1 << 20
        } tight: {
            $0.budgets.sourceMemory = .seconds(3600)
        } refusals: {
            var scene = LimitScene($0)
            let asker = scene.stranger(1)
            scene.befriend()
            for _ in 0..<40 { scene.receive(asker.findNode(.zero), from: asker) }
            let cutBefore = cut(scene)
            scene.bench.advance(by: .seconds(301))
            // Enough to need some of the burst again.
            for _ in 0..<2 { scene.receive(asker.findNode(.zero), from: asker) }
            return cut(scene) - cutBefore
        },
        LimitCase("trackedSourceCount") {
            $0.budgets.trackedSourceCount = 4
        } refusals: {
            forgotten(LimitScene($0))
        },
        LimitCase("trackedNetworkCount") {
            $0.networkMode = .public
        } tight: {
            $0.budgets.trackedNetworkCount = 4
        } refusals: {
            forgotten(LimitScene($0))
        },
    ]

    private static let ourQueries: [LimitCase] = [
        LimitCase("queriesPerSecond") {
            $0.budgets.queriesPerSecond = 3
        } refusals: {
            ping(0..<6, LimitScene($0)).paused.queries
        },
        LimitCase("newEndpointsPerSecond") {
            $0.budgets.newEndpointsPerSecond = 3
        } refusals: {
            ping(0..<6, LimitScene($0)).paused.newEndpoints
        },
        LimitCase("liveFlowCount") {
            $0.budgets.liveFlowCount = 3
        } refusals: {
            ping(0..<6, LimitScene($0)).paused.flows
        },
        LimitCase("flowLifetime") {
            $0.budgets.liveFlowCount = 8
        } tight: {
            $0.budgets.flowLifetime = .seconds(3600)
        } refusals: {
            var scene = LimitScene($0)
            for number in 0..<8 { scene.bench.command(.ping(scene.endpoint(number))) }
            scene.bench.advance(by: .seconds(180))
            return ping(8..<16, scene).paused.flows
        },
    ]

    // MARK: Scenarios

    /// An address of one /24.
    private static func neighbour(_ number: Int) -> Endpoint {
        .v4(60, 1, 2, UInt8(truncatingIfNeeded: number), port: 7000)
    }

    /// How many of `count` answers with nodes to one asker are shortened or withheld.
    private static func cutAnswers(_ start: LimitScene, to count: Int, _ known: Stranger? = nil) -> Int {
        var scene = start
        let asker = known ?? scene.stranger(1)
        scene.befriend()
        let before = cut(scene)
        for _ in 0..<count { scene.receive(asker.findNode(.zero), from: asker) }
        return cut(scene) - before
    }

    private static func cut(_ scene: LimitScene) -> Int {
        scene.statistics.budgets.shortened + scene.statistics.budgets.unproven
    }

    private static func forgotten(_ start: LimitScene) -> Int {
        var scene = start
        for number in 0..<50 {
            let asker = scene.stranger(number)
            scene.receive(asker.ping(), from: asker)
        }
        return scene.statistics.refused.forgottenSources
    }

    private static func ping(_ numbers: Range<Int>, _ start: LimitScene) -> BudgetStatistics {
        var scene = start
        for number in numbers { scene.bench.command(.ping(scene.endpoint(number))) }
        return scene.statistics.budgets
    }
}
